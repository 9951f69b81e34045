//! What can be wrong with a run folder.

use std::io;
use std::path::PathBuf;

/// Why a run folder cannot be read. Each reads as a sentence, and names the file and the line at fault.
///
/// ```
/// use run_records::{RecordsError, RunFolder};
/// let error = RunFolder::read(std::path::Path::new("/no/such/folder")).unwrap_err();
/// assert!(matches!(error, RecordsError::Read { .. }));
/// assert!(error.to_string().starts_with("cannot read /no/such/folder/"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// A file of the run folder is missing or cannot be read.
    #[error(
        "cannot read {}: {source}; a run folder holds experiment.toml, manifest.json, sittings.json and records.jsonl",
        path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The manifest is not the JSON that a run writes.
    #[error("{} is not the manifest of a run: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// The sittings are not the JSON that a run writes.
    #[error("{} is not the list of a run's sittings: {source}", path.display())]
    Sittings {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// The manifest compares a run with one that does not exist, or with itself.
    #[error(
        "{}: run {run} is compared with run {twin}, but there are {runs} runs, numbered from 0, \
         and no run is its own twin",
        path.display()
    )]
    Twin {
        /// The manifest.
        path: PathBuf,
        /// Index of the run.
        run: usize,
        /// Index of its twin.
        twin: usize,
        /// Number of runs.
        runs: usize,
    },
    /// A line of the records is not a record.
    #[error("{}, line {line}: not a record of a run: {source}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong; its line number counts within this line.
        source: serde_json::Error,
    },
    /// A record belongs to a run that the manifest does not list.
    #[error(
        "{}, line {line}: run {run} is not in the manifest, which lists {runs}, numbered from 0",
        path.display()
    )]
    UnknownRun {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Index that the record gives.
        run: usize,
        /// Number of runs in the manifest.
        runs: usize,
    },
    /// Records of one kind and run are not in the order of their steps.
    #[error(
        "{}, line {line}: step {step} of run {run} comes after step {previous} of the same run; \
         was the file put together from two?",
        path.display()
    )]
    OutOfOrder {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Index of the run.
        run: usize,
        /// The step of this record.
        step: u64,
        /// The step of the record before it.
        previous: u64,
    },
}
