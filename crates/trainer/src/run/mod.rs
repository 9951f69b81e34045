//! Running an experiment: all its runs side by side, on the same batches, into one folder.

mod dry;
mod engine;
mod folder;
mod manifest;
mod observer;
mod training;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use datasets::Dataset;
use nn_engine::{EngineOptions, Split, State};

pub use dry::{DryRun, RunOutlook, dry_run};
pub use engine::{DeviceKind, check_gpu};
pub use folder::RunFolder;
pub use observer::{Event, Observer};

use crate::TrainerError;
use crate::experiment::{Experiment, IMAGE_SHAPE, Prepared};
use engine::build_engine;
use run_records::{Manifest, Record};
use training::Training;

/// What an experiment does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Where run folders are made.
    pub runs: PathBuf,
    /// Preset that the experiment came from; part of the folder's name.
    pub preset: Option<String>,
    /// Command that makes this run again, for the records.
    pub command: String,
    /// When it started, RFC 3339, UTC, for the records.
    pub started: String,
    /// Git commit of the software, for the records.
    pub commit: Option<String>,
    /// What to compute on. Results agree up to the rounding of float32, and not in every bit.
    pub device: DeviceKind,
    /// Threads of the processor to compute with, 0 for all. Results do not depend on it.
    pub threads: usize,
}

/// What is left when an experiment is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The run folder.
    pub folder: PathBuf,
    /// What was known at the start.
    pub manifest: Manifest,
    /// The last epoch's [`Record::Epoch`] of each run.
    pub last_epoch: Vec<Record>,
    /// Wall-clock time of training and evaluation, seconds.
    pub seconds: f64,
    /// Training images a second, all runs together, evaluation included in the time.
    pub images_per_second: f64,
}

/// Trains all runs of an experiment as replicas of one engine, in lockstep on the same batches.
///
/// Makes a new folder in `options.runs` (see [`RunFolder`]) and leaves in it the experiment as run,
/// a [`Manifest`] and one [`Record`] a line. Nothing that is there is ever overwritten, and nothing
/// is written before everything is checked. A loss that is not finite is recorded and the run goes
/// on, since it says nothing about the other runs; when no run has a finite loss at the end of an
/// epoch, training stops. Where the engine fails on the way, what was recorded before is in the folder.
///
/// # Errors
/// [`TrainerError`]; [`TrainerError::is_bad_input`] tells whose fault it is.
pub fn run_experiment(
    experiment: &Experiment,
    dataset: Dataset,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Finished, TrainerError> {
    let prepared = experiment.prepare()?;
    let dataset = take_images(experiment, dataset)?;
    let mut engine = build_engine(experiment, &prepared, options.device, options.threads)?;
    let manifest = manifest::describe(experiment, &prepared, engine.device(), &dataset, options);
    engine.load_images(Split::Train, Arc::new(dataset.train))?;
    engine.load_images(Split::Test, Arc::new(dataset.test))?;
    let start = State::initial(&prepared.graph, experiment.training.initial_seed);
    for replica in 0..experiment.run.len() {
        engine.load_state(replica, &start)?;
    }
    let training = Training::new(engine.as_mut(), experiment, &prepared)?;
    train(training, experiment, manifest, options, observer)
}

/// One replica for each run.
fn engine_options(experiment: &Experiment, prepared: &Prepared, threads: usize) -> EngineOptions {
    EngineOptions {
        batch_size: experiment.training.batch_size,
        replicas: experiment.run.len(),
        symmetry: prepared.symmetry.clone(),
        threads,
    }
}

/// Bytes of the images and labels.
fn image_bytes(experiment: &Experiment) -> u128 {
    let data = &experiment.data;
    let images = data.train_images as u128 + data.test_images as u128;
    images * (IMAGE_SHAPE.iter().product::<usize>() as u128 + 1)
}

/// From the first step to the last, into a new folder.
fn train(
    mut training: Training<'_>,
    experiment: &Experiment,
    manifest: Manifest,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Finished, TrainerError> {
    let mut folder = RunFolder::create(&options.runs, &experiment.name, options.preset.as_deref())?;
    folder.write_experiment(experiment)?;
    folder.write_manifest(&manifest)?;
    observer.event(&Event::Started {
        folder: folder.path(),
        manifest: &manifest,
    });

    let clock = Instant::now();
    let mut last_epoch = Vec::new();
    for epoch in 1..=experiment.training.epochs {
        last_epoch = match training.epoch(epoch, &mut folder, observer) {
            Err(TrainerError::Engine(source)) => {
                folder.flush()?;
                return Err(TrainerError::Stopped {
                    step: training.steps(),
                    steps: manifest.steps,
                    folder: folder.path().to_owned(),
                    source,
                });
            }
            trained => trained?,
        };
    }
    let seconds = clock.elapsed().as_secs_f64();
    let images = manifest.data.train_images as f64
        * experiment.training.epochs as f64
        * manifest.runs.len() as f64;
    let images_per_second = images / seconds;
    folder.record(&Record::Finished {
        seconds,
        images_per_second,
    })?;
    folder.flush()?;
    let finished = Finished {
        folder: folder.path().to_owned(),
        manifest,
        last_epoch,
        seconds,
        images_per_second,
    };
    observer.event(&Event::Finished(&finished));
    Ok(finished)
}

/// The images that the experiment asks for.
fn take_images(experiment: &Experiment, dataset: Dataset) -> Result<Dataset, TrainerError> {
    let (train, test) = (experiment.data.train_images, experiment.data.test_images);
    for (split, wanted, found) in [
        (Split::Train, train, dataset.train.len()),
        (Split::Test, test, dataset.test.len()),
    ] {
        if found < wanted {
            return Err(TrainerError::TooFewImages {
                split,
                wanted,
                found,
            });
        }
    }
    Ok(dataset.truncated(train, test))
}
