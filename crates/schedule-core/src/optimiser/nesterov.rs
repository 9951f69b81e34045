//! SGD with Nesterov's look-ahead and coupled weight decay.

use crate::field::{Field, scaled};
use crate::{Hyperparameters, RecipeError};

/// The hyperparameters of one step of Nesterov SGD.
///
/// ```
/// use schedule_core::{Hyperparameters, optimiser::NesterovHyperparameters};
///
/// let sgd = Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 };
/// let nesterov = NesterovHyperparameters::pytorch(sgd);
/// assert_eq!((nesterov.gradient_weight, nesterov.lookahead), (1.0, 0.9));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NesterovHyperparameters<F = f64> {
    /// `η_t`.
    pub learning_rate: F,
    /// `λ_t`, coupled.
    pub weight_decay: F,
    /// `γ_t`, what the buffer is multiplied by.
    pub momentum: F,
    /// `δ_t`, the weight of the new gradient in the buffer: PyTorch's `1 − dampening`.
    pub gradient_weight: F,
    /// `ν_t`, the weight of the buffer in the update.
    pub lookahead: F,
}

impl<F: Field> NesterovHyperparameters<F> {
    /// PyTorch's `SGD(momentum, weight_decay, nesterov=True)`: `δ = 1`, `ν = γ`.
    #[must_use]
    pub fn pytorch(sgd: Hyperparameters<F>) -> Self {
        Self {
            learning_rate: sgd.learning_rate,
            weight_decay: sgd.weight_decay,
            momentum: sgd.momentum,
            gradient_weight: F::ONE,
            lookahead: sgd.momentum,
        }
    }
}

impl NesterovHyperparameters {
    /// The part that plain SGD has too, checked; `step` is for the message.
    pub(crate) fn validate_sgd(&self, step: u64) -> Result<(), RecipeError> {
        let sgd = Hyperparameters {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            momentum: self.momentum,
        };
        sgd.validate(step)
    }
}

/// Parameters and momentum buffer of a run of Nesterov SGD.
///
/// ```
/// use schedule_core::optimiser::{NesterovHyperparameters, NesterovState};
///
/// let start = NesterovState { parameters: vec![1.0], buffer: vec![2.0] };
/// let with = NesterovHyperparameters {
///     learning_rate: 0.5, weight_decay: 0.0, momentum: 0.5, gradient_weight: 1.0, lookahead: 0.25,
/// };
/// let next = start.stepped(|p| p.to_vec(), with);
/// assert_eq!(next, NesterovState { parameters: vec![0.25], buffer: vec![2.0] });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NesterovState<F = f64> {
    /// `θ_t`.
    pub parameters: Vec<F>,
    /// `b_t`.
    pub buffer: Vec<F>,
}

impl<F: Field> NesterovState<F> {
    /// The state after `b_{t+1} = γ b_t + δ G_t` and `θ_{t+1} = θ_t − η (G_t + ν b_{t+1})`, with
    /// `G_t = g_t + λ θ_t`.
    #[must_use]
    pub fn stepped(
        &self,
        gradient: impl FnOnce(&[F]) -> Vec<F>,
        with: NesterovHyperparameters<F>,
    ) -> Self {
        let gradient = gradient(&self.parameters);
        let pairs = gradient.iter().zip(&self.parameters);
        let decayed: Vec<F> = pairs.map(|(&g, &p)| g + with.weight_decay * p).collect();
        let pairs = self.buffer.iter().zip(&decayed);
        let buffer: Vec<F> = pairs
            .map(|(&b, &g)| with.momentum * b + with.gradient_weight * g)
            .collect();
        let updates = decayed.iter().zip(&buffer);
        let parameters = self.parameters.iter().zip(updates);
        Self {
            parameters: parameters
                .map(|(&p, (&g, &b))| p - with.learning_rate * (g + with.lookahead * b))
                .collect(),
            buffer,
        }
    }

    /// The state of the equivalent run, `θ/A_t` and `s_t (b − κ_{t−1} θ)`, from `scale = A_t`,
    /// `buffer_scale = s_t` and `buffer_coefficient = κ_{t−1}`.
    #[must_use]
    pub fn equivalent(&self, scale: F, buffer_scale: F, buffer_coefficient: F) -> Self {
        let pairs = self.buffer.iter().zip(&self.parameters);
        Self {
            parameters: scaled(&self.parameters, F::ONE / scale),
            buffer: pairs
                .map(|(&b, &p)| buffer_scale * (b - buffer_coefficient * p))
                .collect(),
        }
    }
}
