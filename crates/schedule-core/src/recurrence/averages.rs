//! Averages of the parameters.

use crate::field::Field;
use crate::optimiser::MovingAverage;

/// An exponential moving average `e ← μe + (1 − μ)θ_{t+1}`, kept by the run without weight decay as
/// `ē = e/A` (new here):
/// ```text
/// ē ← (μ/a_t) ē + (1 − μ) θ̃_{t+1}
/// ```
/// ```
/// use schedule_core::recurrence::exponential_average;
/// assert_eq!(exponential_average(0.75, 0.5).keep, 1.5);
/// ```
#[must_use]
pub fn exponential_average<F: Field>(decay: F, shrink: F) -> MovingAverage<F> {
    MovingAverage {
        keep: decay / shrink,
        weight: F::ONE - decay,
    }
}

/// The mean of `n` parameters taking in one more, `e ← (ne + θ)/(n + 1)`, kept as `ē = e/A` (new here), from
/// `count = n` and `shrink = A_new/A_old` since the last one:
/// ```text
/// ē ← (n (A_old/A_new) ē + θ̃)/(n + 1)
/// ```
/// ```
/// use schedule_core::recurrence::equal_average;
/// let third = equal_average(3.0, 0.5);
/// assert_eq!((third.keep, third.weight), (1.5, 0.25));
/// ```
#[must_use]
pub fn equal_average<F: Field>(count: F, shrink: F) -> MovingAverage<F> {
    let after = count + F::ONE;
    MovingAverage {
        keep: count / (shrink * after),
        weight: F::ONE / after,
    }
}
