//! What the law gives for each step.

use crate::companions::RunningStatisticsCorrection;
use crate::optimiser::NesterovHyperparameters;

/// One step of Nesterov SGD without weight decay, and how its state relates to that of the run with.
///
/// Before the step `θ̃_t = θ_t/A_t` and `b̃_t = exp(ln_buffer_scale) (b_t − κ_{t−1}θ_t)`; after it the same
/// with the fields that end in `_after`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct NesterovStep {
    /// `t`, from 0.
    pub step: u64,
    /// `ln η̃_t = ln η_t − ln A_t − ln A_{t+1} − ln w_t`; −∞ where `η_t = 0`.
    pub ln_learning_rate: f64,
    /// `γ̃_t`.
    pub momentum: f64,
    /// `δ̃_t`.
    pub gradient_weight: f64,
    /// `ν̃_t`.
    pub lookahead: f64,
    /// `a_t = A_{t+1}/A_t > 0`.
    pub shrink: f64,
    /// `ln a_t`, accurate also where `a_t` is near 1.
    pub ln_shrink: f64,
    /// `ln A_t`.
    pub ln_scale: f64,
    /// `ln A_{t+1}`.
    pub ln_scale_after: f64,
    /// `ln(σ_t A_{t−1})`, the buffer's own scale; 0 in the first step.
    pub ln_buffer_scale: f64,
    /// `ln(σ_{t+1} A_t)`.
    pub ln_buffer_scale_after: f64,
    /// `κ_{t−1}`, the part of the parameters that the momentum buffer holds.
    pub buffer_coefficient: f64,
    /// `κ_t`.
    pub buffer_coefficient_after: f64,
}

impl NesterovStep {
    /// `η̃_t`, infinite where it leaves float64.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.ln_learning_rate.exp()
    }

    /// The step's hyperparameters, without weight decay; the rate is infinite where it leaves float64.
    #[must_use]
    pub fn hyperparameters(&self) -> NesterovHyperparameters {
        NesterovHyperparameters {
            learning_rate: self.learning_rate(),
            weight_decay: 0.0,
            momentum: self.momentum,
            gradient_weight: self.gradient_weight,
            lookahead: self.lookahead,
        }
    }

    /// What running statistics are multiplied by once this step is done; see
    /// [`EquivalentStep::running_statistics_correction`](crate::EquivalentStep::running_statistics_correction).
    #[must_use]
    pub fn running_statistics_correction(&self, input_degree: f64) -> RunningStatisticsCorrection {
        RunningStatisticsCorrection::new(self.ln_shrink, input_degree)
    }
}
