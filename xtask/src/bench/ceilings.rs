//! What the machine can do at most, as `benches` measures it.

use serde::{Deserialize, Serialize};

use super::program::Program;
use benches::Spread;
use benches::{Table, or_dash};

/// One of the ceilings.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Ceiling {
    what: String,
    threads: usize,
    unit: String,
    samples: Vec<f64>,
}

/// All of them.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Ceilings(Vec<Ceiling>);

impl Ceilings {
    /// Measures them; `program` prints them.
    ///
    /// # Errors
    /// Why it cannot, in a sentence.
    pub(super) fn measure(program: &Program) -> Result<Self, String> {
        serde_json::from_value(program.json()?)
            .map_err(|error| format!("the ceilings are not what was due: {error}"))
    }

    /// GFLOP/s of multiply-adds on so many threads.
    pub(super) fn peak(&self, threads: usize) -> Option<f64> {
        self.median("multiply-adds", threads)
    }

    /// GB/s copied in main memory, read and written, on so many threads.
    pub(super) fn bandwidth(&self, threads: usize) -> Option<f64> {
        self.median("copy in main memory", threads)
    }

    fn median(&self, what: &str, threads: usize) -> Option<f64> {
        let mut ceilings = self.0.iter();
        let ceiling = ceilings
            .find(|ceiling| ceiling.what.starts_with(what) && ceiling.threads == threads)?;
        Spread::of(ceiling.samples.iter().copied()).map(|samples| samples.median)
    }

    pub(super) fn table(&self) -> String {
        let mut table = Table::new(["ceiling", "threads", "measured", "n"]);
        for ceiling in &self.0 {
            let samples = Spread::of(ceiling.samples.iter().copied());
            table.row(vec![
                ceiling.what.clone(),
                ceiling.threads.to_string(),
                or_dash(samples.map(|samples| format!("{samples} {}", ceiling.unit))),
                ceiling.samples.len().to_string(),
            ]);
        }
        table.markdown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_are_found_by_name_and_threads() {
        let text = r#"[
            {"what": "multiply-adds, AVX2", "threads": 1, "unit": "GFLOP/s", "samples": [99, 101, 100]},
            {"what": "multiply-adds, AVX2", "threads": 2, "unit": "GFLOP/s", "samples": [200]},
            {"what": "copy in main memory", "threads": 2, "unit": "GB/s", "samples": [30, 40]}
        ]"#;
        let ceilings: Ceilings = serde_json::from_str(text).unwrap();
        assert_eq!(
            (ceilings.peak(1), ceilings.peak(2)),
            (Some(100.0), Some(200.0))
        );
        assert_eq!(
            (ceilings.bandwidth(1), ceilings.bandwidth(2)),
            (None, Some(35.0))
        );
        let table = ceilings.table();
        let row = table.lines().nth(2).unwrap();
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(
            cells,
            ["multiply-adds, AVX2", "1", "100 [99–101] GFLOP/s", "3"]
        );
    }
}
