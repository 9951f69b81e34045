//! SGD with momentum and coupled weight decay, the learning rate inside the buffer.

use crate::Hyperparameters;
use crate::field::{Field, scaled};

/// Parameters and momentum buffer of a run of SGD whose buffer holds steps, not gradients.
///
/// ```
/// use schedule_core::Hyperparameters;
/// use schedule_core::optimiser::SgdInsideState;
///
/// let start = SgdInsideState { parameters: vec![1.0], buffer: vec![0.5] };
/// let with = Hyperparameters { learning_rate: 0.5, weight_decay: 0.25, momentum: 0.5 };
/// let next = start.stepped(|parameters| parameters.to_vec(), with);
/// assert_eq!(next, SgdInsideState { parameters: vec![0.125], buffer: vec![0.875] });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SgdInsideState<F = f64> {
    /// `θ_t`.
    pub parameters: Vec<F>,
    /// `v_t`.
    pub buffer: Vec<F>,
}

impl<F: Field> SgdInsideState<F> {
    /// The state after one step of `v_{t+1} = γ' v_t + η (g_t + λ θ_t)`, then `θ_{t+1} = θ_t − v_{t+1}`.
    ///
    /// The form of Sutskever et al. (2013) and of Caffe.
    #[must_use]
    pub fn stepped(&self, gradient: impl FnOnce(&[F]) -> Vec<F>, with: Hyperparameters<F>) -> Self {
        let gradient = gradient(&self.parameters);
        let terms = self
            .buffer
            .iter()
            .zip(gradient.iter().zip(&self.parameters));
        let buffer: Vec<F> = terms
            .map(|(&v, (&g, &p))| {
                with.momentum * v + with.learning_rate * (g + with.weight_decay * p)
            })
            .collect();
        let parameters = self.parameters.iter().zip(&buffer);
        Self {
            parameters: parameters.map(|(&p, &v)| p - v).collect(),
            buffer,
        }
    }

    /// The state of the equivalent run, `θ/A_t` and `(v − cθ)/A_{t−1}`, from `scale = A_t`,
    /// `scale_before = A_{t−1}` and `buffer_coefficient = c_{t−1}`.
    #[must_use]
    pub fn equivalent(&self, scale: F, scale_before: F, buffer_coefficient: F) -> Self {
        let pairs = self.buffer.iter().zip(&self.parameters);
        Self {
            parameters: scaled(&self.parameters, F::ONE / scale),
            buffer: pairs
                .map(|(&v, &p)| (v - buffer_coefficient * p) / scale_before)
                .collect(),
        }
    }
}
