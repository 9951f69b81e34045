//! SGD with momentum and coupled weight decay, the learning rate outside the buffer.

use crate::Hyperparameters;
use crate::field::{Field, scaled};

/// Parameters and momentum buffer of a run of SGD.
///
/// ```
/// use schedule_core::Hyperparameters;
/// use schedule_core::optimiser::SgdState;
///
/// let start = SgdState { parameters: vec![1.0], buffer: vec![0.5] };
/// let with = Hyperparameters { learning_rate: 0.5, weight_decay: 0.25, momentum: 0.5 };
/// let next = start.stepped(|parameters| parameters.to_vec(), with);
/// assert_eq!(next, SgdState { parameters: vec![0.25], buffer: vec![1.5] });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SgdState<F = f64> {
    /// `θ_t`.
    pub parameters: Vec<F>,
    /// `b_t`.
    pub buffer: Vec<F>,
}

impl<F: Field> SgdState<F> {
    /// The state after one step of PyTorch's `SGD(momentum, weight_decay)` with zero dampening:
    /// `b_{t+1} = γ b_t + g_t + λ θ_t`, then `θ_{t+1} = θ_t − η b_{t+1}`.
    ///
    /// PyTorch takes that step at `γ = 0`, too, but leaves `b` as it was; a momentum that is 0 for a time has to
    /// be the least float there instead.
    #[must_use]
    pub fn stepped(&self, gradient: impl FnOnce(&[F]) -> Vec<F>, with: Hyperparameters<F>) -> Self {
        let gradient = gradient(&self.parameters);
        let terms = self
            .buffer
            .iter()
            .zip(gradient.iter().zip(&self.parameters));
        let buffer: Vec<F> = terms
            .map(|(&b, (&g, &p))| with.momentum * b + g + with.weight_decay * p)
            .collect();
        let parameters = self.parameters.iter().zip(&buffer);
        Self {
            parameters: parameters
                .map(|(&p, &b)| p - with.learning_rate * b)
                .collect(),
            buffer,
        }
    }

    /// The state of the equivalent run, `θ/A` and `A(b − κθ)`, from `scale = A_t` and
    /// `buffer_coefficient = κ_{t−1}`.
    #[must_use]
    pub fn equivalent(&self, scale: F, buffer_coefficient: F) -> Self {
        let pairs = self.buffer.iter().zip(&self.parameters);
        Self {
            parameters: scaled(&self.parameters, F::ONE / scale),
            buffer: pairs
                .map(|(&b, &p)| scale * (b - buffer_coefficient * p))
                .collect(),
        }
    }

    /// The state with `factor` times the parameters added to the buffer, `b + fθ`: what a
    /// [buffer shift](crate::law::exact::BufferShift) does.
    #[must_use]
    pub fn shifted(&self, factor: F) -> Self {
        let pairs = self.buffer.iter().zip(&self.parameters);
        Self {
            parameters: self.parameters.clone(),
            buffer: pairs.map(|(&b, &p)| b + factor * p).collect(),
        }
    }
}
