//! Why an experiment cannot be run.

use std::io;
use std::path::PathBuf;

use datasets::SamplerError;
use nn_engine::{EngineError, Split};
use run_records::RecordsError;

use crate::experiment::{Arithmetic, ExperimentError, Problem};
use crate::plan::PlanError;

/// Everything that can stop a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// The experiment's file.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// The experiment itself, where it was not read from a file that would have been checked.
    #[error("the experiment cannot be run: {0}")]
    Problem(#[from] Problem),
    /// The data set is too small.
    #[error(
        "the experiment asks for {wanted} {split} images and the data holds {found}; lower data.{}_images in the experiment, or give a larger set",
        match split { Split::Train => "train", Split::Test => "test" }
    )]
    TooFewImages {
        /// Which images.
        split: Split,
        /// As in the experiment.
        wanted: usize,
        /// As in the data.
        found: usize,
    },
    /// Numbers that a GPU does not train in.
    #[error(
        "the experiment's numbers are float64, and the GPU trains in float32; leave out `training.precision`, or train on \
         the CPU (--device cpu)"
    )]
    Float64OnGpu,
    /// Products that the CPU does not make.
    #[error(
        "the experiment's convolutions multiply in {arithmetic}, which the CPU does not; train in float32 (leave out \
         `training.precision` and --precision), or on a GPU (--device cuda){}",
        here(no_gpu)
    )]
    RoundedOnCpu {
        /// What the experiment asks for.
        arithmetic: Arithmetic,
        /// Why there is no GPU for it, where one was looked for.
        no_gpu: Option<Box<TrainerError>>,
    },
    /// Batches that cannot be drawn.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// What the engine refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A step that a run cannot make.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The run folder cannot be written.
    #[error("cannot {action} `{}`: {source}; check permissions and space, or choose another folder for runs", path.display())]
    Folder {
        /// What was tried, such as "write".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something that cannot be written as text.
    #[error("cannot write {what} of the run: {reason}")]
    Format {
        /// Which file.
        what: &'static str,
        /// The serialiser's reason.
        reason: String,
    },
    /// The engine failed on the way, as where a GPU is lost.
    #[error(
        "training stopped before step {step} of {steps}: {source}; all records up to there are in `{0}`, `texp report {0}` \
         shows them, and `texp resume {0}` goes on from step {saved}", folder.display()
    )]
    Stopped {
        /// The first step that was not made.
        step: u64,
        /// Steps in all.
        steps: u64,
        /// Steps of the last checkpoint; 0 if there is none.
        saved: u64,
        /// The run folder.
        folder: PathBuf,
        /// What the engine says.
        source: EngineError,
    },
    /// It was asked to stop.
    #[error(
        "training was stopped before step {step} of {steps}; everything is saved in `{0}`, and `texp resume {0}` goes on", folder.display()
    )]
    Interrupted {
        /// The first step that was not made.
        step: u64,
        /// Steps in all.
        steps: u64,
        /// The run folder.
        folder: PathBuf,
    },
    /// A run with nothing left to train.
    #[error("the run in `{0}` is complete, so there is nothing to resume; `texp report {0}` shows it", folder.display())]
    Complete {
        /// The run folder.
        folder: PathBuf,
    },
    /// A run that somebody else trains.
    #[error("the run in `{}` is being trained by another process; wait for it, or stop it first", folder.display())]
    InUse {
        /// The run folder.
        folder: PathBuf,
    },
    /// A folder that is no run's.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A run whose experiment is no longer what was run.
    #[error(
        "`{}` is not what was run: its SHA-256 is not the one in manifest.json; put it back, or train what it says now as a \
         new run with `texp train`", path.display()
    )]
    ExperimentChanged {
        /// The file.
        path: PathBuf,
    },
    /// Other images than a run was trained on.
    #[error(
        "the run was trained on other images ({wanted}) than those found ({found}): their SHA-256 differs; name the folder \
         that holds them by --data, or give --synthetic if they were generated"
    )]
    OtherData {
        /// What the run was trained on.
        wanted: String,
        /// What was found.
        found: String,
    },
    /// Every run's loss has stopped being a number.
    #[error(
        "after epoch {epoch} no run has a finite loss any more ({}), so training was stopped; lower the learning rate; all \
         records up to here are in `{1}`, and `texp report {1}` shows them", since(runs), folder.display()
    )]
    Diverged {
        /// Epochs finished.
        epoch: u64,
        /// Each run's name, and its first step without a finite loss.
        runs: Vec<(String, u64)>,
        /// The run folder.
        folder: PathBuf,
    },
}

impl TrainerError {
    /// Whether the fault lies in what was given (the experiment, the data, a device that is
    /// not there) and not in the machine or the training.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Experiment(_)
            | Self::Problem(_)
            | Self::TooFewImages { .. }
            | Self::Float64OnGpu
            | Self::RoundedOnCpu { .. }
            | Self::Engine(EngineError::NoDevice { .. })
            | Self::Complete { .. }
            | Self::InUse { .. }
            | Self::Records(_)
            | Self::ExperimentChanged { .. }
            | Self::OtherData { .. }
            | Self::Sampler(_) => true,
            Self::Engine(_)
            | Self::Plan(_)
            | Self::Folder { .. }
            | Self::Format { .. }
            | Self::Stopped { .. }
            | Self::Interrupted { .. }
            | Self::Diverged { .. } => false,
        }
    }
}

/// Why it is not the GPU, as the rest of a sentence.
fn here(no_gpu: &Option<Box<TrainerError>>) -> String {
    let why = no_gpu.as_ref();
    why.map_or_else(String::new, |why| format!("; here {why}"))
}

/// From which step on each run has no finite loss.
fn since(runs: &[(String, u64)]) -> String {
    let runs = runs.iter();
    let texts: Vec<String> = runs
        .map(|(name, step)| format!("`{name}` from step {step} on"))
        .collect();
    texts.join(", ")
}
