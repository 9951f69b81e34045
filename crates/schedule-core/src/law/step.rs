//! What the laws of SGD give for each step.

use crate::Hyperparameters;
use crate::companions::RunningStatisticsCorrection;

/// One step of a run without weight decay, or with another one, and how its state relates to that of
/// the run with it.
///
/// With `A_t = exp(ln_scale)` and `κ_{t−1} = buffer_coefficient`, before the step
/// `θ̃_t = θ_t/A_t` and `b̃_t = A_t (b_t − κ_{t−1} θ_t)`; after it the same holds with the fields
/// that end in `_after`. The step itself is SGD with learning rate `exp(ln_learning_rate)`, momentum
/// `momentum` and weight decay `weight_decay`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "crate::serial::Step", into = "crate::serial::Step")
)]
#[non_exhaustive]
pub struct EquivalentStep {
    /// `t`, from 0.
    pub step: u64,
    /// `ln η̃_t = ln η_t − ln A_t − ln A_{t+1}`; −∞ where `η_t = 0`.
    pub ln_learning_rate: f64,
    /// `λ̃_t`, the weight decay that is left: 0, unless a law says otherwise, as
    /// [`ExactLaw::step_keeping`](crate::ExactLaw::step_keeping) does.
    pub weight_decay: f64,
    /// `γ̃_t = γ_t`.
    pub momentum: f64,
    /// `a_t = A_{t+1}/A_t > 0`, by how much weight decay shrinks the parameters in this step.
    pub shrink: f64,
    /// `ln a_t`, accurate also where `a_t` is near 1.
    pub ln_shrink: f64,
    /// `ln A_t`.
    pub ln_scale: f64,
    /// `ln A_{t+1}`.
    pub ln_scale_after: f64,
    /// `κ_{t−1}`, the part of the parameters that the momentum buffer holds.
    pub buffer_coefficient: f64,
    /// `κ_t`.
    pub buffer_coefficient_after: f64,
}

impl EquivalentStep {
    /// `η̃_t`, infinite where it leaves float64.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.ln_learning_rate.exp()
    }

    /// `η̃_t`, `λ̃_t`, `γ̃_t`: what SGD without, or with what is left of, the weight decay takes in this step. The rate
    /// is infinite where it leaves float64.
    ///
    /// ```
    /// use schedule_core::{ExactLaw, Hyperparameters};
    ///
    /// let sgd = Hyperparameters { learning_rate: 0.5, weight_decay: 0.5, momentum: 0.0 };
    /// let twin = ExactLaw::new().step(sgd)?.hyperparameters();
    /// assert!((twin.learning_rate - 0.5 / 0.75).abs() < 1e-15);
    /// assert_eq!((twin.weight_decay, twin.momentum), (0.0, 0.0));
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    #[must_use]
    pub fn hyperparameters(&self) -> Hyperparameters {
        Hyperparameters {
            learning_rate: self.learning_rate(),
            weight_decay: self.weight_decay,
            momentum: self.momentum,
        }
    }

    /// What running statistics are multiplied by once this step is done: before the next update of
    /// them, and before the parameters after this step are evaluated.
    ///
    /// `input_degree` is the degree of homogeneity `x` of the normaliser's input in the parameters.
    #[must_use]
    pub fn running_statistics_correction(&self, input_degree: f64) -> RunningStatisticsCorrection {
        RunningStatisticsCorrection::new(self.ln_shrink, input_degree)
    }
}
