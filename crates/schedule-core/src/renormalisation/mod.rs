//! Numbers that leave a float format, when they do, and how to keep them.

mod format;
mod magnitudes;
mod plan;
mod range;

pub use format::FloatFormat;
pub use magnitudes::{Bounds, Magnitudes, Monitored};
pub(crate) use plan::{exp_times_power_of_two, times_power_of_two};
pub use plan::{Renormalisation, Renormaliser, rescaled_learning_rate};
pub use range::{Departure, RangeReport, Side};

/// Why a run cannot be kept in a float format.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RenormalisationError {
    /// Bounds that are not those of a norm or a variance.
    #[error(
        "the {what} is said to lie between {smallest:?} and {largest:?}; give two positive, finite \
         numbers, the smaller one first"
    )]
    Bounds {
        /// What is bounded.
        what: Monitored,
        /// Its smallest value.
        smallest: f64,
        /// Its largest value.
        largest: f64,
    },
    /// At the scale of the run with weight decay, too, a number is out of range.
    #[error(
        "at step {step} the {what} reaches exp({ln_value}) even at the scale of the run with weight \
         decay, which {format} does not hold among its normal numbers (up to {largest:e}, from \
         {smallest:e}); use a format with a wider range"
    )]
    DoesNotFit {
        /// The step.
        step: u64,
        /// What does not fit.
        what: Monitored,
        /// The logarithm of its value there.
        ln_value: f64,
        /// The format.
        format: FloatFormat,
        /// The format's largest number.
        largest: f64,
        /// The format's smallest normal number.
        smallest: f64,
    },
}
