//! Numbers that leave a float format, when they do, and how to keep them.
//!
//! Start with [`RangeReport`], which says what leaves a format and when. A [`Renormaliser`] goes along with a law and says when
//! to [rescale](crate::rescaling::Rescaling) the run by which power of two.

mod format;
mod growth;
mod magnitudes;
mod plan;
mod range;
mod scales;

pub use format::{FloatFormat, Formats};
pub use growth::Growth;
pub use magnitudes::{Bounds, Magnitudes, Monitored};
pub(crate) use plan::times_power_of_two;
pub use plan::{Renormalisation, Renormaliser, exp_times_power_of_two, rescaled_learning_rate};
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
    /// A number is out of range at any scale.
    #[error(
        "at step {step} the {what} is between exp({ln_smallest}) and exp({ln_largest}), which no change of scale \
         brings into the normal numbers of {format} (from {smallest:e} to {largest:e}); use a format \
         with a wider range"
    )]
    DoesNotFit {
        /// The step.
        step: u64,
        /// What does not fit.
        what: Monitored,
        /// The logarithm of its smallest value there, if nothing is rescaled.
        ln_smallest: f64,
        /// That of its largest.
        ln_largest: f64,
        /// The format.
        format: FloatFormat,
        /// The format's smallest normal number.
        smallest: f64,
        /// The format's largest number.
        largest: f64,
    },
    /// Two numbers need different scales.
    #[error(
        "at step {step} no scale keeps everything among the normal numbers of {format}: for the \
         {above} the parameters must be rescaled by 2^-{lowest} or less, for the {below} by 2^-{highest} or \
         more; use a format with a wider range"
    )]
    NoCommonScale {
        /// The step.
        step: u64,
        /// What is out of range unless the scale is low.
        above: Monitored,
        /// The smallest `K` of a rescaling by `2^{−K}` for it.
        lowest: i64,
        /// What is out of range unless the scale is high.
        below: Monitored,
        /// The largest `K` for it.
        highest: i64,
        /// The format of the state.
        format: FloatFormat,
    },
}
