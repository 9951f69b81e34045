//! Adam with decoupled weight decay.

use super::MovingAverage;
use crate::field::scaled;

/// The hyperparameters of one step of [AdamW](AdamWState), in PyTorch's form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWHyperparameters {
    /// `η_t ≥ 0`.
    pub learning_rate: f64,
    /// `λ_t ≥ 0`, decoupled and multiplied by the learning rate.
    pub weight_decay: f64,
    /// `0 ≤ β₁ < 1`, of the mean of gradients.
    pub beta1: f64,
    /// `0 ≤ β₂ < 1`, of the mean of squared gradients.
    pub beta2: f64,
    /// `ε ≥ 0`, added to the root.
    pub epsilon: f64,
}

/// All numbers of one step of [`AdamWState`].
///
/// ```
/// use schedule_core::optimiser::AdamWHyperparameters;
///
/// let adamw = AdamWHyperparameters {
///     learning_rate: 1e-3, weight_decay: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
/// };
/// let first = adamw.coefficients(0);
/// assert_eq!(first.first_moment.keep, 0.9);
/// assert!((first.first_bias_correction - 0.1).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWCoefficients {
    /// `η_t`.
    pub learning_rate: f64,
    /// `λ_t`, decoupled: the parameters are multiplied by `1 − η_tλ_t`.
    pub weight_decay: f64,
    /// `β₁` and `1 − β₁`.
    pub first_moment: MovingAverage,
    /// `β₂` and `1 − β₂`.
    pub second_moment: MovingAverage,
    /// `1 − β₁^{t+1}`, steps counted from 0.
    pub first_bias_correction: f64,
    /// `1 − β₂^{t+1}`, steps counted from 0.
    pub second_bias_correction: f64,
    /// `ε`, outside the root.
    pub epsilon: f64,
}

impl AdamWHyperparameters {
    /// What PyTorch's `AdamW` makes of these hyperparameters at a step, from 0; the bias corrections are
    /// those of the step's own `β`.
    #[must_use]
    pub fn coefficients(&self, step: u64) -> AdamWCoefficients {
        AdamWCoefficients {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            first_moment: MovingAverage::of_decay(self.beta1),
            second_moment: MovingAverage::of_decay(self.beta2),
            first_bias_correction: bias_correction(self.beta1.ln(), step),
            second_bias_correction: bias_correction(self.beta2.ln(), step),
            epsilon: self.epsilon,
        }
    }
}

/// `1 − β^{t+1}` without cancellation.
pub(crate) fn bias_correction(ln_beta: f64, step: u64) -> f64 {
    -((step as f64 + 1.0) * ln_beta).exp_m1()
}

/// Parameters and moments of a run of AdamW (Loshchilov & Hutter, arXiv:1711.05101), or of Adam where
/// the weight decay is 0.
///
/// ```
/// use schedule_core::optimiser::{AdamWHyperparameters, AdamWState};
///
/// let adamw = AdamWHyperparameters {
///     learning_rate: 0.5, weight_decay: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 0.0,
/// };
/// let start =
///     AdamWState { parameters: vec![1.0], first_moment: vec![0.0], second_moment: vec![0.0] };
/// let next = start.stepped(|_| vec![3.0], &adamw.coefficients(0));
/// // The first update is the gradient's sign.
/// assert!((next.parameters[0] - (0.75 - 0.5)).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdamWState {
    /// `θ_t`.
    pub parameters: Vec<f64>,
    /// `m_t`.
    pub first_moment: Vec<f64>,
    /// `v_t`.
    pub second_moment: Vec<f64>,
}

impl AdamWState {
    /// The state after one step, with `c₁`, `c₂` the bias corrections:
    /// ```text
    /// m_{t+1} = β₁ m_t + (1 − β₁) g_t        v_{t+1} = β₂ v_t + (1 − β₂) g_t²
    /// θ_{t+1} = (1 − ηλ) θ_t − η (m_{t+1}/c₁) / (√(v_{t+1}/c₂) + ε)
    /// ```
    #[must_use]
    pub fn stepped(
        &self,
        gradient: impl FnOnce(&[f64]) -> Vec<f64>,
        with: &AdamWCoefficients,
    ) -> Self {
        let gradient = gradient(&self.parameters);
        let squares: Vec<f64> = gradient.iter().map(|g| g * g).collect();
        let first_moment = with.first_moment.updated(&self.first_moment, &gradient);
        let second_moment = with.second_moment.updated(&self.second_moment, &squares);
        let moments = first_moment.iter().zip(&second_moment);
        let direction: Vec<f64> = moments
            .map(|(m, v)| {
                let root = (v / with.second_bias_correction).sqrt();
                m / with.first_bias_correction / (root + with.epsilon)
            })
            .collect();
        let parameters = super::decoupled_update(
            &self.parameters,
            with.learning_rate,
            with.weight_decay,
            &direction,
        );
        Self {
            parameters,
            first_moment,
            second_moment,
        }
    }

    /// The state of the equivalent run, `θ/A_t`, `A_{t−1} m` and `A_{t−1}² v`, from `scale = A_t` and
    /// `memory_scale = A_{t−1}`.
    #[must_use]
    pub fn equivalent(&self, scale: f64, memory_scale: f64) -> Self {
        Self {
            parameters: scaled(&self.parameters, 1.0 / scale),
            first_moment: scaled(&self.first_moment, memory_scale),
            second_moment: scaled(&self.second_moment, memory_scale * memory_scale),
        }
    }
}
