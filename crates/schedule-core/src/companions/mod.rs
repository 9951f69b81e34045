//! What a trainer transforms besides the optimiser's hyperparameters.
//!
//! The parameters of a run without weight decay are at another scale, and so is what is compared or averaged with them:
//! gradients that are clipped ([`NormClipping`], [`ValueClipping`]), averages of parameters ([`ExponentialAverage`],
//! [`EqualAverage`]) and the running statistics of batch normalisation ([`RunningStatisticsCorrection`]). Each takes
//! `ln_scale` or `ln_shrink` of a law's step.

mod averages;
mod clipping;
mod running_statistics;

pub use averages::{EqualAverage, ExponentialAverage};
pub use clipping::{NormClipping, ValueClipping, norm_of_groups};
pub use running_statistics::RunningStatisticsCorrection;
