#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod family;
mod figure;
mod judge;
mod store;
mod training;

pub use family::{Family, Member, Plan};
pub use figure::{Figure, Part};
pub use judge::{Judged, judge};
pub use store::{Found, Need, PassedOver, Store};
pub use training::{Job, Jobs, device_of, train_all};

use run_records::RecordsError;
use trainer::TrainerError;
use trainer::experiment::ExperimentError;

/// Why figures cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReproError {
    /// An experiment's file.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// A training.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// A run folder.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A folder of runs that cannot be read.
    #[error("cannot read the folder {} ({source}); check its permissions", path.display())]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl ReproError {
    /// Whether the fault lies in what was given and not in the machine or the training.
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Experiment(_) | Self::Records(_) => true,
            Self::Trainer(error) => error.is_bad_input(),
            Self::Folder { .. } => false,
        }
    }
}
