//! What every run does at every step.

mod hyper;
mod milestones;
mod renormalisation;
mod twin;

pub use hyper::{PlanError, PlannedStep, RunSchedule};
pub use milestones::jumps;
pub use renormalisation::magnitudes;
pub use twin::{NoTwin, TwinLaw, TwinStep, hyper_at, optimiser};

/// Epochs and steps of a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Epochs in all.
    pub epochs: u64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Steps in all.
    pub steps: u64,
}

impl Timeline {
    /// A training of `epochs` epochs of `steps_per_epoch` steps.
    ///
    /// ```
    /// assert_eq!(trainer::plan::Timeline::new(391, 200).steps, 78_200);
    /// ```
    pub fn new(steps_per_epoch: u64, epochs: u64) -> Self {
        Self {
            epochs,
            steps_per_epoch,
            steps: steps_per_epoch.saturating_mul(epochs),
        }
    }
}
