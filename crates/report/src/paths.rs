//! Where a report goes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ReportError;
use crate::figures::Panel;
use crate::tensorboard::Events;

/// The files that a report consists of.
///
/// # Examples
///
/// ```no_run
/// let written = report::write(std::path::Path::new("runs/figure-2"))?;
/// println!("{} figures, {}", written.figures.len(), written.page.display());
/// # Ok::<(), report::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportPaths {
    /// The page, `report.html`: it needs no other file and no network.
    pub page: PathBuf,
    /// `epochs.csv`: one line for each run and epoch. Of a reproduction, one for each figure, run, seed and epoch, and before
    /// it `claims.csv`: one line for each claim.
    pub tables: Vec<PathBuf>,
    /// The figures alone, `figures/*.svg`, in the order of the page. Beside each lies a PNG of the same name, 85 mm wide at
    /// 300 pixels an inch.
    pub figures: Vec<PathBuf>,
    /// Event files for TensorBoard, `tensorboard/RUN/events.out.tfevents.*`, in the order of the runs; none of a
    /// reproduction, whose run folders have them.
    pub events: Vec<PathBuf>,
}

/// Writes everything, the page last: who finds a page finds the rest as well.
pub(crate) fn write_files<'a>(
    folder: &Path,
    page: &str,
    tables: &[(&str, Vec<u8>)],
    panels: impl IntoIterator<Item = &'a Panel>,
    events: &[Events],
) -> Result<ReportPaths, ReportError> {
    let drawings = made(folder.join("figures"))?;
    let mut figures = Vec::new();
    for panel in panels {
        let path = drawings.join(format!("{}.svg", panel.chart.id));
        put(&path, panel.pictures.svg.as_bytes())?;
        put(&path.with_extension("png"), &panel.pictures.png)?;
        figures.push(path);
    }
    let mut written = Vec::new();
    for run in events {
        let path = made(folder.join("tensorboard").join(&run.folder))?.join(&run.file);
        put(&path, &run.bytes)?;
        written.push(path);
    }
    let paths = ReportPaths {
        page: folder.join("report.html"),
        tables: tables.iter().map(|(name, _)| folder.join(name)).collect(),
        figures,
        events: written,
    };
    for (path, (_, table)) in paths.tables.iter().zip(tables) {
        put(path, table)?;
    }
    put(&paths.page, page.as_bytes())?;
    Ok(paths)
}

/// A folder, made if it is not there.
fn made(folder: PathBuf) -> Result<PathBuf, ReportError> {
    fs::create_dir_all(&folder).map_err(|source| ReportError::Write {
        path: folder.clone(),
        source,
    })?;
    Ok(folder)
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    fs::write(path, bytes).map_err(|source| ReportError::Write {
        path: path.to_owned(),
        source,
    })
}

/// The name as an anchor and a file can have it, and one that no other has.
pub(crate) fn unused(name: &str, names: &mut BTreeSet<String>) -> String {
    let plain = |character: char| match character.to_ascii_lowercase() {
        letter @ ('a'..='z' | '0'..='9' | '_') => letter,
        _ => '-',
    };
    let name: String = name.chars().map(plain).collect();
    let mut candidate = name.clone();
    let mut number = 1;
    while !names.insert(candidate.clone()) {
        number += 1;
        candidate = format!("{name}-{number}");
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_no_two_alike() {
        let mut names = BTreeSet::new();
        let made: Vec<String> = ["Figure 3", "figure-3", "../figure 3", "ü"]
            .map(|name| unused(name, &mut names))
            .into();
        assert_eq!(made, ["figure-3", "figure-3-2", "---figure-3", "-"]);
    }
}
