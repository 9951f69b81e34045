//! Checkpoints: all that the rest of a run depends on.
//!
//! A checkpoint is a folder `checkpoints/step-0000001200` with `state.safetensors` (the tensors of every run),
//! `manifest.json` (whose they are) and `SHA256SUMS` of both, as `sha256sum --check` reads it. It is made under another
//! name, brought down to the disk, and then renamed, so that it is there as a whole or not at all. The schedule of a run is
//! a function of the step, and so are its batches: of them nothing is kept.

mod store;
mod tensors;

use std::path::PathBuf;

use nn_engine::State;
use serde::{Deserialize, Serialize};

pub(super) use store::Checkpoints;

use super::Mark;

/// All runs between two steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checkpoint {
    /// Steps done.
    pub(super) step: u64,
    /// Each run, in the order of the experiment.
    pub(super) runs: Vec<Progress>,
}

/// One run between two steps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Progress {
    pub(super) state: State,
    /// The step from which on its loss is not finite.
    pub(super) diverged: Option<u64>,
    pub(super) epoch: Sums,
}

/// What the steps of an epoch add up to so far, for one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    /// Over images, not steps: the last batch may be smaller.
    pub(super) loss: f64,
    pub(super) correct: u64,
    pub(super) images: u64,
    pub(super) last_loss: f64,
}

/// `manifest.json` of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    step: u64,
    /// SHA-256 of `experiment.toml`: network, recipe, seeds, everything.
    experiment_sha256: String,
    /// SHA-256 of the images and labels.
    data_sha256: String,
    /// How long the records were.
    records: Mark,
    runs: Vec<RunManifest>,
}

/// What of a run is not in the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunManifest {
    name: String,
    /// `K` of each parameter group: the run is held at `2^K` of its own scale.
    exponents: Vec<i64>,
    /// The step from which on its loss is not finite.
    diverged: Option<u64>,
    /// Images of the epoch so far, and how many were classified correctly.
    images: u64,
    correct: u64,
}

/// A checkpoint that cannot be used.
#[derive(Debug)]
pub struct Unusable {
    /// Its folder.
    pub path: PathBuf,
    /// The reason.
    pub why: CheckpointError,
}

/// Why a checkpoint is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file is missing or cannot be read.
    #[error("{file} cannot be read ({source})")]
    Unreadable {
        /// Which of its files.
        file: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is not as it was written.
    #[error("{file} is not as it was written: its SHA-256 is another")]
    Damaged {
        /// Which of its files.
        file: &'static str,
    },
    /// The manifest is not one.
    #[error("manifest.json is no manifest of a checkpoint ({0})")]
    Manifest(#[from] serde_json::Error),
    /// The tensors are not those of the runs.
    #[error("state.safetensors does not hold the runs ({0})")]
    Tensors(String),
    /// It was made of another experiment or on other images.
    #[error("it belongs to another {0}")]
    Foreign(&'static str),
    /// The records are shorter than they were, or other.
    #[error("records.jsonl no longer begins with what had been recorded")]
    Records,
}
