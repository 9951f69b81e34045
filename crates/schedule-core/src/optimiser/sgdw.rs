//! SGD with momentum and decoupled weight decay.

use super::MovingAverage;
use super::decoupled_update;
use crate::field::{Field, scaled};

/// Parameters and momentum buffer of a run of SGDW (Loshchilov & Hutter, arXiv:1711.05101).
///
/// ```
/// use schedule_core::optimiser::{MovingAverage, SgdwState};
///
/// let start = SgdwState { parameters: vec![1.0], buffer: vec![0.5] };
/// let next = start.stepped(|p| p.to_vec(), 0.5, 0.25, MovingAverage::of_momentum(0.5));
/// assert_eq!(next, SgdwState { parameters: vec![0.25], buffer: vec![1.25] });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SgdwState<F = f64> {
    /// `θ_t`.
    pub parameters: Vec<F>,
    /// `b_t`.
    pub buffer: Vec<F>,
}

impl<F: Field> SgdwState<F> {
    /// The state after `b_{t+1} = γ b_t + g_t`, then `θ_{t+1} = (1 − ηλ) θ_t − η b_{t+1}`: the decay is
    /// multiplied by the learning rate, and does not enter the buffer.
    #[must_use]
    pub fn stepped(
        &self,
        gradient: impl FnOnce(&[F]) -> Vec<F>,
        learning_rate: F,
        weight_decay: F,
        momentum: MovingAverage<F>,
    ) -> Self {
        let buffer = momentum.updated(&self.buffer, &gradient(&self.parameters));
        Self {
            parameters: decoupled_update(&self.parameters, learning_rate, weight_decay, &buffer),
            buffer,
        }
    }

    /// The state of the equivalent run, `θ/A_t` and `A_{t−1} b`, from `scale = A_t` and
    /// `memory_scale = A_{t−1}`.
    #[must_use]
    pub fn equivalent(&self, scale: F, memory_scale: F) -> Self {
        Self {
            parameters: scaled(&self.parameters, F::ONE / scale),
            buffer: scaled(&self.buffer, memory_scale),
        }
    }
}
