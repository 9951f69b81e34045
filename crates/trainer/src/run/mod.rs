//! Running an experiment: all its runs side by side, on the same batches, into one folder.

mod checkpoint;
mod dry;
mod engine;
mod folder;
mod law;
mod manifest;
mod observer;
mod saved;
mod setup;
mod training;

use std::path::PathBuf;
use std::time::Duration;

use datasets::Dataset;
use nn_engine::{EngineOptions, Split};
use run_records::{Manifest, Record};

pub use checkpoint::{CheckpointError, Unusable};
pub use dry::{DryRun, RunOutlook, dry_run};
pub use engine::{DeviceKind, check_cpu, check_gpu};
pub use folder::claim_folder;
pub use observer::{Event, Observer};
pub use saved::SavedRun;

use crate::TrainerError;
use crate::experiment::{Experiment, IMAGE_SHAPE, Prepared};
use folder::{Folder, Mark, Records};
use setup::Setup;

/// Where a new run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where run folders are made.
    pub runs: PathBuf,
    /// Preset that the experiment came from; part of the folder's name.
    pub preset: Option<String>,
}

/// What an experiment does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Command that starts this, for the records.
    pub command: String,
    /// When it starts, RFC 3339, UTC, for the records.
    pub started: String,
    /// Git commit of the software, for the records.
    pub commit: Option<String>,
    /// What to compute on. Results agree up to the rounding of float32, and not in every bit.
    pub device: DeviceKind,
    /// Threads of the processor to compute with, 0 for all. Results do not depend on it.
    pub threads: usize,
    /// How much time may be lost where training is cut off: about so often, all runs are saved. Results do not depend on
    /// it.
    pub checkpoint_every: Duration,
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
    /// Wall-clock time of training and evaluation, all sittings together, seconds.
    pub seconds: f64,
}

/// Trains all runs of an experiment as replicas of one engine, in lockstep on the same batches.
///
/// Makes a new folder in `place.runs`, called `<name>-<preset>` or `<name>` (if that is taken, `-2`, `-3`, … is added), and
/// leaves in it the experiment as run, a [`Manifest`], one [`Record`] a line, and checkpoints: the state of all runs at
/// the end, and while it is trained, the last two. Nothing that is there is ever overwritten, and nothing is written before everything is
/// checked. A loss that is not finite is recorded and the run goes on, since it says nothing about the other runs;
/// when no run has a finite loss at the end of an epoch, training stops. Where it is cut off, [`SavedRun`] goes on from
/// the last checkpoint, and the records and the last checkpoint are the same at the end, byte for byte.
///
/// # Errors
/// [`TrainerError`]; [`TrainerError::is_bad_input`] tells whose fault it is.
pub fn run_experiment(
    experiment: &Experiment,
    dataset: Dataset,
    place: &Place,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<Finished, TrainerError> {
    let setup = Setup::new(experiment, dataset, place.preset.as_deref(), options)?;
    let sitting = setup.sitting(options, 0);
    let folder = Folder::create(place, &setup, sitting, options)?;
    setup.train(folder, None, &[], observer)
}

/// One replica for each run.
fn engine_options(experiment: &Experiment, prepared: &Prepared, threads: usize) -> EngineOptions {
    EngineOptions {
        batch_size: experiment.training.batch_size,
        replicas: experiment.run.len(),
        symmetry: prepared.symmetry.clone(),
        optimiser: prepared.optimiser,
        products: experiment.training.precision.products(),
        threads,
    }
}

/// Bytes of the images and labels.
fn image_bytes(experiment: &Experiment) -> u128 {
    let data = &experiment.data;
    let images = data.train_images as u128 + data.test_images as u128;
    images * (IMAGE_SHAPE.iter().product::<usize>() as u128 + 1)
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
