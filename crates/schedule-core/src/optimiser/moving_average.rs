//! The memory that optimisers keep of their gradients.

use crate::field::Field;

/// A memory `m` that takes in `x`: `m ← keep · m + weight · x`, elementwise.
///
/// Stock optimisers tie the two coefficients together, to `weight = 1 − keep` or `weight = 1`. The run
/// without weight decay changes `keep` and leaves `weight` as it is, so here they are two numbers.
///
/// ```
/// use schedule_core::optimiser::MovingAverage;
///
/// assert_eq!(MovingAverage::of_decay(0.75).updated(&[4.0], &[8.0]), [5.0]);
/// assert_eq!(MovingAverage::of_momentum(0.75).updated(&[4.0], &[8.0]), [11.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MovingAverage<F = f64> {
    /// What the memory is multiplied by.
    pub keep: F,
    /// What the new value is multiplied by.
    pub weight: F,
}

impl<F: Field> MovingAverage<F> {
    /// An exponential moving average: `keep = β`, `weight = 1 − β`.
    #[must_use]
    pub fn of_decay(decay: F) -> Self {
        Self {
            keep: decay,
            weight: F::ONE - decay,
        }
    }

    /// A momentum buffer without dampening: `keep = γ`, `weight = 1`.
    #[must_use]
    pub fn of_momentum(momentum: F) -> Self {
        Self {
            keep: momentum,
            weight: F::ONE,
        }
    }

    /// The memory after taking in `new`, of the length of the shorter of the two.
    #[must_use]
    pub fn updated(&self, memory: &[F], new: &[F]) -> Vec<F> {
        let pairs = memory.iter().zip(new);
        pairs
            .map(|(&m, &x)| self.keep * m + self.weight * x)
            .collect()
    }
}
