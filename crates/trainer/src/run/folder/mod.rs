//! The folder that a run leaves behind, as it is written.

pub(super) mod durable;
mod records;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use run_records::{Record, Sitting};
use sha2::{Digest, Sha256};

pub(super) use records::{Mark, Records, hexadecimal};

use super::checkpoint::{Checkpoint, Checkpoints};
use super::{Place, RunOptions, Setup};
use crate::TrainerError;

/// A run folder while its run is trained. Only one process has it: see [`Records`].
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    records: Records,
    checkpoints: Checkpoints,
    /// The last one is now.
    sittings: Vec<Sitting>,
    /// Steps of the last checkpoint; 0 if there is none.
    saved: u64,
    save_every: Duration,
    /// Since when this sitting lasts.
    start: Instant,
    last_save: Instant,
}

impl Folder {
    /// [Claims](claim_folder) a new folder, called `<name>-<preset>`, or `<name>` without a preset.
    pub(super) fn create(
        place: &Place,
        setup: &Setup<'_>,
        sitting: Sitting,
        options: &RunOptions,
    ) -> Result<Self, TrainerError> {
        let Setup { manifest, text, .. } = setup;
        let name = match &place.preset {
            Some(preset) => format!("{}-{}", manifest.experiment, preset.replace(',', "-")),
            None => manifest.experiment.clone(),
        };
        let path = claim_folder(&place.runs, &name)?;
        let file = |name: &str, bytes: &[u8]| {
            let path = path.join(name);
            durable::replace(&path, bytes).map_err(|error| failed("write", &path, error))
        };
        file("experiment.toml", text.as_bytes())?;
        file("manifest.json", json("manifest.json", manifest)?.as_bytes())?;
        let records = Records::create(&path.join("records.jsonl"))?;
        let synced = durable::sync_parent(&path);
        synced.map_err(|error| failed("write", &place.runs, error))?;
        let checkpoints = setup.checkpoints(&path, manifest);
        Self::sit_down(path, records, checkpoints, Vec::new(), sitting, options)
    }

    /// Goes on in a folder, whose records have been cut at a checkpoint.
    pub(super) fn sit_down(
        path: PathBuf,
        records: Records,
        checkpoints: Checkpoints,
        mut sittings: Vec<Sitting>,
        sitting: Sitting,
        options: &RunOptions,
    ) -> Result<Self, TrainerError> {
        let saved = sitting.from_step;
        sittings.push(sitting);
        let now = Instant::now();
        let folder = Self {
            path,
            records,
            checkpoints,
            sittings,
            saved,
            save_every: options.checkpoint_every,
            start: now,
            last_save: now,
        };
        folder.write_sittings()?;
        Ok(folder)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Steps of the last checkpoint; 0 if there is none.
    pub(super) fn saved(&self) -> u64 {
        self.saved
    }

    /// Time of training, all sittings together, seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.sittings.iter().map(|sitting| sitting.seconds).sum()
    }

    /// Adds a line to `records.jsonl`.
    pub(super) fn record(&mut self, record: &Record) -> Result<(), TrainerError> {
        self.records.add(record)
    }

    /// Hands all records to the operating system.
    pub(super) fn flush(&mut self) -> Result<(), TrainerError> {
        self.records.flush()
    }

    /// Whether the last checkpoint is as old as it may become.
    pub(super) fn save_is_due(&self) -> bool {
        self.last_save.elapsed() >= self.save_every
    }

    /// Writes a checkpoint.
    pub(super) fn save(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainerError> {
        let mark = self.records.mark()?;
        self.checkpoints.write(checkpoint, mark)?;
        self.saved = checkpoint.step;
        if let Some(now) = self.sittings.last_mut() {
            now.to_step = checkpoint.step;
            now.seconds = self.start.elapsed().as_secs_f64();
        }
        self.last_save = Instant::now();
        self.write_sittings()
    }

    /// Ends a run of which nothing is left to train, with its records as they are.
    pub(super) fn end_diverged(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainerError> {
        if let Some(now) = self.sittings.last_mut() {
            now.diverged = true;
        }
        self.record(&Record::Finished {
            steps: checkpoint.step,
        })?;
        self.save(checkpoint)
    }

    fn write_sittings(&self) -> Result<(), TrainerError> {
        let path = self.path.join("sittings.json");
        let text = json("sittings.json", &self.sittings)?;
        durable::replace(&path, text.as_bytes()).map_err(|error| failed("write", &path, error))
    }
}

/// Makes a new folder in `runs`, which is made too if need be; if its name is taken, `-2`, `-3`, … is added. It is claimed by
/// making it, in one atomic step, so that two processes get two.
///
/// # Errors
/// [`TrainerError::Folder`].
///
/// ```
/// use trainer::run::claim_folder;
/// let runs = tempfile::tempdir()?;
/// assert_eq!(claim_folder(runs.path(), "toy")?, runs.path().join("toy"));
/// assert_eq!(claim_folder(runs.path(), "toy")?, runs.path().join("toy-2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn claim_folder(runs: &Path, name: &str) -> Result<PathBuf, TrainerError> {
    fs::create_dir_all(runs).map_err(|error| failed("make the folder", runs, error))?;
    let mut path = runs.join(name);
    let mut number = 1_u64;
    while let Err(error) = fs::create_dir(&path) {
        if error.kind() != ErrorKind::AlreadyExists {
            return Err(failed("make the folder", &path, error));
        }
        number += 1;
        path = runs.join(format!("{name}-{number}"));
    }
    Ok(path)
}

/// SHA-256, in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn json(what: &'static str, value: &impl serde::Serialize) -> Result<String, TrainerError> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|error| TrainerError::Format {
        what,
        reason: error.to_string(),
    });
    Ok(text? + "\n")
}

/// The error of a file.
pub(super) fn failed(action: &'static str, path: &Path, source: io::Error) -> TrainerError {
    TrainerError::Folder {
        action,
        path: path.to_owned(),
        source,
    }
}
