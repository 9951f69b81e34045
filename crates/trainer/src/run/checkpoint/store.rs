//! The folder of checkpoints: the newest two, written and read back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nn_engine::{Precision, State};

use super::{Checkpoint, CheckpointError, Manifest, Progress, RunManifest, Unusable, tensors};
use crate::TrainerError;
use crate::run::folder::{durable, failed, sha256};
use crate::run::{Mark, Records};

/// How many are kept: the newest, and one to come back to where that is damaged.
const KEPT: usize = 2;

const STATE: &str = "state.safetensors";
const MANIFEST: &str = "manifest.json";
const SUMS: &str = "SHA256SUMS";

/// Where a checkpoint is made, before it has its name.
const PARTIAL: &str = "partial";

/// The checkpoints of a run folder.
#[derive(Debug)]
pub(in crate::run) struct Checkpoints {
    folder: PathBuf,
    experiment_sha256: String,
    data_sha256: String,
    /// Names of the runs.
    names: Vec<String>,
    precision: Precision,
    /// Those that are of no use, until one is written.
    unusable: Vec<PathBuf>,
}

/// A checkpoint that can be gone on from.
pub(in crate::run) struct Saved {
    pub(in crate::run) checkpoint: Checkpoint,
    /// Length of the records at that time.
    pub(in crate::run) records: u64,
}

impl Checkpoints {
    /// Those of a run.
    pub(in crate::run) fn within(
        run_folder: &Path,
        manifest: &run_records::Manifest,
        precision: Precision,
    ) -> Self {
        Self {
            folder: run_folder.join("checkpoints"),
            experiment_sha256: manifest.experiment_sha256.clone(),
            data_sha256: manifest.data.sha256.clone(),
            names: manifest.runs.iter().map(|run| run.name.clone()).collect(),
            precision,
            unusable: Vec::new(),
        }
    }

    /// Writes one, and then removes those that are no longer needed.
    pub(in crate::run) fn write(
        &mut self,
        checkpoint: &Checkpoint,
        records: Mark,
    ) -> Result<(), TrainerError> {
        let state = tensors::write(checkpoint, &self.names, self.precision)?;
        let manifest = self.manifest(checkpoint, records)?;
        let sums = format!(
            "{}  {STATE}\n{}  {MANIFEST}\n",
            sha256(&state),
            sha256(manifest.as_bytes())
        );
        let path = self.folder.join(format!("step-{:010}", checkpoint.step));
        let files = [
            (STATE, &state[..]),
            (MANIFEST, manifest.as_bytes()),
            (SUMS, sums.as_bytes()),
        ];
        let written = self.publish(&path, files);
        let written = written.and_then(|()| {
            let mut unusable = self.unusable.iter().filter(|other| **other != path);
            unusable.try_for_each(|path| remove(path))?;
            self.rotate()
        });
        written.map_err(|error| failed("write", &path, error))?;
        self.unusable.clear();
        Ok(())
    }

    fn manifest(&self, checkpoint: &Checkpoint, records: Mark) -> Result<String, TrainerError> {
        let run = |(name, run): (&String, &Progress)| RunManifest {
            name: name.clone(),
            exponents: run.state.exponents.clone(),
            diverged: run.diverged,
            images: run.epoch.images,
            correct: run.epoch.correct,
        };
        let manifest = Manifest {
            step: checkpoint.step,
            experiment_sha256: self.experiment_sha256.clone(),
            data_sha256: self.data_sha256.clone(),
            records,
            runs: self.names.iter().zip(&checkpoint.runs).map(run).collect(),
        };
        let text = serde_json::to_string_pretty(&manifest);
        let text = text.map_err(|error| TrainerError::Format {
            what: "manifest.json of a checkpoint",
            reason: error.to_string(),
        });
        Ok(text? + "\n")
    }

    /// Makes a folder with these files, as a whole or not at all.
    fn publish(&self, path: &Path, files: [(&str, &[u8]); 3]) -> io::Result<()> {
        let partial = self.folder.join(PARTIAL);
        fs::create_dir_all(&self.folder)?;
        remove(&partial)?;
        fs::create_dir(&partial)?;
        for (name, bytes) in files {
            durable::write(&partial.join(name), bytes)?;
        }
        durable::sync_folder(&partial)?;
        // One of this step is there only if it could not be used.
        remove(path)?;
        fs::rename(&partial, path)?;
        durable::sync_folder(&self.folder)?;
        durable::sync_parent(&self.folder)
    }

    /// Removes all but the newest.
    fn rotate(&self) -> io::Result<()> {
        let list = self.list()?;
        list.iter()
            .skip(KEPT)
            .try_for_each(|(_, path)| remove(path))
    }

    /// Steps and folders, newest first.
    fn list(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let step = name.to_str().and_then(|name| name.strip_prefix("step-"));
            if let Some(step) = step.and_then(|step| step.parse().ok()) {
                found.push((step, entry.path()));
            }
        }
        found.sort_by_key(|&(step, _)| std::cmp::Reverse(step));
        Ok(found)
    }

    /// The newest that can be used, and why those after it cannot. A state is checked against `like`, one of the network.
    pub(in crate::run) fn newest(
        &mut self,
        records: &mut Records,
        like: &State,
    ) -> Result<(Option<Saved>, Vec<Unusable>), TrainerError> {
        let list = self.list();
        let list = list.map_err(|error| failed("read", &self.folder, error))?;
        let mut unusable = Vec::new();
        for (step, path) in list {
            match self.read(step, &path, like) {
                Ok((checkpoint, mark)) if records.begin_with(&mark)? => {
                    let records = mark.bytes;
                    return Ok((
                        Some(Saved {
                            checkpoint,
                            records,
                        }),
                        unusable,
                    ));
                }
                Ok(_) => unusable.push(Unusable {
                    path,
                    why: CheckpointError::Records,
                }),
                // What cannot be read now may be whole.
                Err(CheckpointError::Unreadable { source, .. })
                    if source.kind() != io::ErrorKind::NotFound =>
                {
                    return Err(failed("read the checkpoint", &path, source));
                }
                Err(why) => unusable.push(Unusable { path, why }),
            }
            self.unusable = unusable.iter().map(|other| other.path.clone()).collect();
        }
        Ok((None, unusable))
    }

    fn read(
        &self,
        step: u64,
        path: &Path,
        like: &State,
    ) -> Result<(Checkpoint, Mark), CheckpointError> {
        let file = |file: &'static str| {
            let bytes = fs::read(path.join(file));
            bytes.map_err(|source| CheckpointError::Unreadable { file, source })
        };
        let sums =
            String::from_utf8(file(SUMS)?).map_err(|_| CheckpointError::Damaged { file: SUMS })?;
        let checked = |name: &'static str| {
            let bytes = file(name)?;
            let line = format!("{}  {name}", sha256(&bytes));
            match sums.lines().any(|listed| listed == line) {
                true => Ok(bytes),
                false => Err(CheckpointError::Damaged { file: name }),
            }
        };
        let manifest: Manifest = serde_json::from_slice(&checked(MANIFEST)?)?;
        let state = checked(STATE)?;
        if manifest.experiment_sha256 != self.experiment_sha256 {
            return Err(CheckpointError::Foreign("experiment"));
        }
        if manifest.data_sha256 != self.data_sha256 {
            return Err(CheckpointError::Foreign("data set"));
        }
        if manifest.step != step || !manifest.runs.iter().map(|run| &run.name).eq(&self.names) {
            return Err(CheckpointError::Foreign("run or step"));
        }
        let tensors = tensors::read(&state, &self.names, like, self.precision)?;
        let runs = manifest.runs.into_iter().zip(tensors);
        let runs = runs.map(|(run, (tensors, sums))| Progress {
            state: State {
                tensors,
                exponents: run.exponents,
            },
            diverged: run.diverged,
            epoch: super::Sums {
                images: run.images,
                correct: run.correct,
                ..sums
            },
        });
        let runs = runs.collect();
        Ok((Checkpoint { step, runs }, manifest.records))
    }
}

/// Removes a folder, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
