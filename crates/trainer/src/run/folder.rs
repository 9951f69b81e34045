//! The folder that a run leaves behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::TrainerError;
use crate::experiment::Experiment;
use run_records::{Manifest, Record};

/// A new folder with `experiment.toml`, `manifest.json` and `records.jsonl`.
///
/// It is called `<name>-<preset>`, or `<name>` without a preset; if that is taken, `-2`, `-3`, … is
/// added. The folder is claimed by making it, in one atomic step, so two runs started at once get
/// two folders. Records are buffered, and on disk after [`flush`](Self::flush).
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    records_path: PathBuf,
    records: BufWriter<File>,
}

impl RunFolder {
    /// Makes a new folder in `runs`, which is made too if need be.
    ///
    /// # Errors
    /// [`TrainerError::Folder`].
    pub fn create(runs: &Path, name: &str, preset: Option<&str>) -> Result<Self, TrainerError> {
        fs::create_dir_all(runs).map_err(|error| failed("make the folder", runs, error))?;
        let base = match preset {
            Some(preset) => format!("{name}-{preset}"),
            None => name.to_owned(),
        };
        let mut path = runs.join(&base);
        let mut number = 1_u64;
        while let Err(error) = fs::create_dir(&path) {
            if error.kind() != ErrorKind::AlreadyExists {
                return Err(failed("make the folder", &path, error));
            }
            number += 1;
            path = runs.join(format!("{base}-{number}"));
        }
        let records_path = path.join("records.jsonl");
        let records = BufWriter::new(new_file(&records_path)?);
        Ok(Self {
            path,
            records_path,
            records,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `experiment.toml`.
    pub(super) fn write_experiment(&self, experiment: &Experiment) -> Result<(), TrainerError> {
        let text = experiment.to_toml().map_err(|error| TrainerError::Format {
            what: "experiment.toml",
            reason: error.to_string(),
        })?;
        self.write_new("experiment.toml", &text)
    }

    /// Writes `manifest.json`.
    pub(super) fn write_manifest(&self, manifest: &Manifest) -> Result<(), TrainerError> {
        let mut text =
            serde_json::to_string_pretty(manifest).map_err(|error| TrainerError::Format {
                what: "manifest.json",
                reason: error.to_string(),
            })?;
        text.push('\n');
        self.write_new("manifest.json", &text)
    }

    /// Adds a line to `records.jsonl`.
    ///
    /// # Errors
    /// [`TrainerError::Folder`].
    pub fn record(&mut self, record: &Record) -> Result<(), TrainerError> {
        let written = serde_json::to_writer(&mut self.records, record)
            .map_err(io::Error::from)
            .and_then(|()| self.records.write_all(b"\n"));
        written.map_err(|error| failed("write", &self.records_path, error))
    }

    /// Hands all records to the operating system.
    ///
    /// # Errors
    /// [`TrainerError::Folder`].
    pub fn flush(&mut self) -> Result<(), TrainerError> {
        self.records
            .flush()
            .map_err(|error| failed("write", &self.records_path, error))
    }

    fn write_new(&self, name: &str, text: &str) -> Result<(), TrainerError> {
        let path = self.path.join(name);
        new_file(&path)?
            .write_all(text.as_bytes())
            .map_err(|error| failed("write", &path, error))
    }
}

fn new_file(path: &Path) -> Result<File, TrainerError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.map_err(|error| failed("create", path, error))
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> TrainerError {
    TrainerError::Folder {
        action,
        path: path.to_owned(),
        source,
    }
}
