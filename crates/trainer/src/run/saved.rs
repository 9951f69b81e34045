//! A run folder that is there already: whether it is complete, and going on where it is not.

use std::fs;
use std::path::{Path, PathBuf};

use datasets::Dataset;
use run_records::{Manifest, Sitting};

use super::folder::{failed, sha256};
use super::{DeviceKind, Finished, Folder, Observer, Records, RunOptions, Setup};
use crate::TrainerError;
use crate::experiment::Experiment;

/// A run in its folder, as it was left: finished, stopped, or killed.
///
/// ```no_run
/// use std::time::Duration;
/// use datasets::synthetic;
/// use trainer::run::{DeviceKind, Event, RunOptions, SavedRun};
///
/// let run = SavedRun::open("runs/figure-2".as_ref())?;
/// if !run.is_complete() {
///     let dataset = synthetic::Spec::default().generate()?; // the images that it was trained on
///     let options = RunOptions {
///         command: "my program".to_owned(),
///         started: "2026-01-01T00:00:00Z".to_owned(),
///         commit: None,
///         device: DeviceKind::Cpu,
///         threads: 0,
///         checkpoint_every: Duration::from_secs(60),
///     };
///     run.resume(dataset, &options, &mut |_: &Event<'_>| {})?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SavedRun {
    path: PathBuf,
    manifest: Manifest,
    sittings: Vec<Sitting>,
    experiment: Experiment,
}

impl SavedRun {
    /// Reads what is known of a run; nothing is changed.
    ///
    /// # Errors
    /// [`TrainerError::Records`] or [`TrainerError::Experiment`] for a folder that is no run's;
    /// [`TrainerError::ExperimentChanged`] if its experiment is not the one that was run.
    pub fn open(path: &Path) -> Result<Self, TrainerError> {
        let manifest = Manifest::read(path)?;
        let sittings = Sitting::read_all(path)?;
        let toml = path.join("experiment.toml");
        let bytes = fs::read(&toml).map_err(|error| failed("read", &toml, error))?;
        if sha256(&bytes) != manifest.experiment_sha256 {
            return Err(TrainerError::ExperimentChanged { path: toml });
        }
        Ok(Self {
            path: path.to_owned(),
            experiment: Experiment::read(&toml, None)?,
            manifest,
            sittings,
        })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The experiment, as run.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// What was known before the first step.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// When and where it was trained so far.
    pub fn sittings(&self) -> &[Sitting] {
        &self.sittings
    }

    /// Whether it was trained and saved to its last step, or to where no run had a finite loss any more.
    pub fn is_complete(&self) -> bool {
        let mut sittings = self.sittings.iter();
        sittings.any(|sitting| sitting.diverged || sitting.to_step >= self.manifest.steps)
    }

    /// What it was trained on first; none if it never was.
    pub fn device(&self) -> Option<DeviceKind> {
        let first = self.sittings.first()?;
        Some(match first.device.starts_with("nn-cuda") {
            true => DeviceKind::Cuda,
            false => DeviceKind::Cpu,
        })
    }

    /// Goes on from the newest checkpoint that is whole; from the start, if none is. Records after it are thrown away, and
    /// made again. On the device and instruction set that it began on, the run ends with the same bytes as one that was
    /// never stopped.
    ///
    /// # Errors
    /// [`TrainerError::Complete`] if there is nothing left to do, [`TrainerError::OtherData`] for other images than it was
    /// trained on, [`TrainerError::InUse`] while somebody else trains it, and as
    /// [`run_experiment`](super::run_experiment).
    pub fn resume(
        mut self,
        dataset: Dataset,
        options: &RunOptions,
        observer: &mut dyn Observer,
    ) -> Result<Finished, TrainerError> {
        // Whoever had it until now may have gone on with it since it was opened.
        let mut records = Records::open(&self.path.join("records.jsonl"))?;
        self.sittings = Sitting::read_all(&self.path)?;
        if self.is_complete() {
            return Err(TrainerError::Complete { folder: self.path });
        }
        let preset = self.manifest.preset.as_deref();
        let source = dataset.source.to_string();
        let setup = Setup::new(&self.experiment, dataset, preset, options)?;
        if setup.manifest.data.sha256 != self.manifest.data.sha256 {
            return Err(TrainerError::OtherData {
                wanted: self.manifest.data.source,
                found: source,
            });
        }
        // By what was recorded, and not by how this version would write the experiment.
        let mut checkpoints = setup.checkpoints(&self.path, &self.manifest);
        let (saved, unusable) = checkpoints.newest(&mut records, &setup.start)?;
        records.cut(saved.as_ref().map_or(0, |saved| saved.records))?;
        let checkpoint = saved.map(|saved| saved.checkpoint);
        let from_step = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.step);
        let folder = Folder::sit_down(
            self.path,
            records,
            checkpoints,
            self.sittings,
            setup.sitting(options, from_step),
            options,
        )?;
        if from_step >= setup.manifest.steps {
            // Cut off between the last checkpoint and the note that it is made.
            let folder = folder.path().to_owned();
            return Err(TrainerError::Complete { folder });
        }
        setup.train(folder, checkpoint, &unusable, observer)
    }
}
