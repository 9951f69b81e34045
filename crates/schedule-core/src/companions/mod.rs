//! What a trainer transforms besides the optimiser's hyperparameters.

mod averages;
mod clipping;
mod running_statistics;

pub use averages::{EqualAverage, ExponentialAverage};
pub use clipping::{NormClipping, ValueClipping, norm_of_groups};
pub use running_statistics::RunningStatisticsCorrection;
