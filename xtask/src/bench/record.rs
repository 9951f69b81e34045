//! What was measured, in words and as data.

use std::fs;
use std::path::{Path, PathBuf};

use report::to_svg;
use serde::Serialize;

use super::ceilings::Ceilings;
use super::comparison::{Entry, Floor, against, failures, table, versions};
use super::contestant::{BATCH, Effort, NORMALISERS};
use super::facts::Facts;
use super::roofline::Roofline;
use super::scaling::Scaling;

/// The folder that holds a folder for each record.
pub(super) struct Records(PathBuf);

impl Records {
    pub(super) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Where a record of this name goes: a folder that is not there yet, as a record is never
    /// overwritten. It is made when there is something to put into it.
    ///
    /// # Errors
    /// That the name is no name for a folder, or is taken.
    pub(super) fn place(&self, name: &str) -> Result<PathBuf, String> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let begins = name.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !begins || !name.chars().all(is_plain) {
            return Err(format!(
                "`{name}` is no name for a record; use letters, digits, `-`, `_` and `.`"
            ));
        }
        let folder = self.0.join(name);
        if folder.exists() {
            return Err(format!(
                "there is a record {name} already, in {}; choose another name or delete it",
                folder.display()
            ));
        }
        Ok(folder)
    }
}

/// Everything of one call.
#[derive(Debug, Serialize)]
pub(super) struct Record {
    #[serde(skip)]
    pub(super) effort: Effort,
    pub(super) facts: Facts,
    pub(super) ceilings: Ceilings,
    pub(super) entries: Vec<Entry>,
    /// One for each of [`NORMALISERS`].
    pub(super) rooflines: Vec<Roofline>,
    pub(super) scaling: Scaling,
}

impl Record {
    /// What could not be measured, in sentences.
    pub(super) fn failures(&self) -> Vec<String> {
        [failures(&self.entries), self.scaling.failures()].concat()
    }

    /// In words and tables.
    pub(super) fn markdown(&self) -> String {
        let threads = self.facts.threads;
        let gflop = self.rooflines.first().map(Roofline::gflop);
        let floor = gflop
            .zip(self.ceilings.peak(threads))
            .map(|(gflop, peak)| Floor {
                gflop_an_image: gflop / BATCH as f64,
                peak,
            });
        let mut text = format!(
            "# PreResNet-32 on a CPU\n\n{}\n## Ceilings\n\n{}\n## Training\n\n{}\n",
            self.facts.markdown(self.effort),
            self.ceilings.table(),
            self.comparison(floor),
        );
        text += "## Time of each operation\n\n";
        text += &format!(
            "nn-cpu, batch {BATCH}, on all cores, medians over steps and runs. GFLOP/s by the \
             direct count of multiply-adds; GB/s by each tensor read or written once a pass, against \
             copying in main memory: what is still in a cache can be above it.\n\n"
        );
        for ((normaliser, op), roofline) in NORMALISERS.iter().zip(&self.rooflines) {
            // All but its normalisation is the same in every network.
            let only = (*normaliser != NORMALISERS[0].0).then_some(*op);
            let table = roofline.table(&self.ceilings, threads, only);
            text += &format!("### {}\n\n{table}\n", heading(normaliser));
        }
        text += &format!(
            "## How cost grows\n\nMedians over runs, least and most. `scaling.svg` draws it.\n\n{}",
            self.scaling.table()
        );
        for failure in self.failures() {
            text += &format!("\n**{failure}**\n");
        }
        text
    }

    fn comparison(&self, floor: Option<Floor>) -> String {
        let mut text = format!(
            "A step is forward, backward and update of SGD with momentum, on {BATCH} images. Everybody \
             trains once in each round, in turns. images/s: the median over rounds of each run's median, \
             [least–most]. Steps: rounds × steps in each. Ratios: round by round. Peak: multiply-adds by \
             the direct count, of the machine's. MB: peak memory without that at the start, which is \
             what importing takes. Only nn-cpu also augments its images in each step. Other contestants \
             than nn-cpu train with batch norm.\n\n{}",
            table(&self.entries, floor)
        );
        if let Some(table) = against(&self.entries) {
            text += &format!("\n{table}");
        }
        text += &format!("\n{}.\n", versions(&self.entries).join("; "));
        text
    }

    /// `record.md`, `record.json` and `scaling.svg`, in a new folder.
    ///
    /// # Errors
    /// What cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<(), String> {
        let svg = to_svg(&self.scaling.charts()).map_err(|error| error.to_string())?;
        let json = serde_json::to_string(self).map_err(|error| error.to_string())?;
        fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        for (name, text) in [
            ("record.md", self.markdown()),
            ("record.json", json + "\n"),
            ("scaling.svg", svg),
        ] {
            let file = folder.join(name);
            fs::write(&file, text)
                .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        }
        eprintln!("record: {}", folder.display());
        Ok(())
    }
}

/// `Batch norm`.
fn heading(normaliser: &str) -> String {
    let mut letters = normaliser.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!("{}{} norm", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::comparison::tests::entry;
    use crate::bench::contestant::Class;
    use crate::bench::roofline::tests::{ceilings, roofline};
    use crate::bench::scaling::tests::scaling;

    fn record() -> Record {
        let mut broken = entry("PyTorch, compiled", Class::PyTorch, &[]);
        broken.failure = Some("no C++ compiler".to_owned());
        let mut facts = Facts::gather("cargo xtask bench cpu --peers".to_owned());
        facts.threads = 2;
        Record {
            effort: Effort::Full,
            facts,
            ceilings: ceilings(),
            entries: vec![
                entry("nn-cpu, batch norm", Class::Own, &[1000.0, 1100.0]),
                entry("burn", Class::Burn, &[100.0, 100.0]),
                broken,
            ],
            rooflines: vec![roofline(1.0); NORMALISERS.len()],
            scaling: scaling(),
        }
    }

    #[test]
    fn a_record_holds_every_table_and_every_failure() {
        let text = record().markdown();
        for part in [
            "- Command: `cargo xtask bench cpu --peers`",
            "500 GFLOP/s",
            "| nn-cpu, batch norm |",
            "10.5 [10.0–11.0]",
            "PyTorch, compiled is not complete: no C++ compiler",
            "### Batch norm",
            "### Instance norm",
            "1000 [1000–1000]",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        // The other networks show what they do not share with the first.
        assert_eq!(text.matches("| conv 3×3 ").count(), 1);
        assert_eq!(text.matches("preparing the batch").count(), 1);
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let folder = std::env::temp_dir().join(format!("texp-record-{}", std::process::id()));
        record().write(&folder).unwrap();
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let (json, markdown, svg) = (read("record.json"), read("record.md"), read("scaling.svg"));
        fs::remove_dir_all(&folder).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["entries"][1]["runs"][0]["batch"], 100);
        assert_eq!(json["facts"]["threads"], 2);
        assert!(markdown.starts_with("# ") && svg.starts_with("<svg "));
    }

    #[test]
    fn a_record_is_never_overwritten() {
        let folder = std::env::temp_dir().join(format!("texp-records-{}", std::process::id()));
        let records = Records::new(&folder);
        let place = records.place("zen5.2026-11").unwrap();
        assert!(place.ends_with("zen5.2026-11") && !place.exists());
        fs::create_dir_all(&place).unwrap();
        let taken = records.place("zen5.2026-11").unwrap_err();
        fs::remove_dir_all(&folder).unwrap();
        assert!(taken.contains("choose another name"), "{taken}");
        for name in ["", "..", "a/b", "-x", ".hidden", "ä"] {
            let refused = records.place(name).unwrap_err();
            assert!(refused.contains("no name for a record"), "{refused}");
        }
        assert!(!folder.exists());
    }

    #[test]
    fn headings_begin_large() {
        assert_eq!(heading("layer"), "Layer norm");
    }
}
