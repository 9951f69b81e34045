//! What has no equivalent with weight decay.

use crate::RecipeError;

/// A run without weight decay that has no equivalent with it in the numbers that were asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InverseError {
    /// The momentum of a step is invalid.
    #[error(transparent)]
    Hyperparameters(#[from] RecipeError),
    /// `ln η̃_t` or `ln a_t` is NaN or infinite.
    #[error(
        "at step {step} ln η̃ = {ln_learning_rate:?} and ln a = {ln_shrink:?}; both must be finite: \
         a learning rate of 0 leaves no trace of a weight decay"
    )]
    NotFinite {
        /// The step `t`.
        step: u64,
        /// `ln η̃_t`.
        ln_learning_rate: f64,
        /// `ln a_t`.
        ln_shrink: f64,
    },
    /// `η_t λ_t` leaves float64.
    #[error(
        "the equivalent of step {step} leaves float64: ln η̃ = {ln_learning_rate:?}, momentum \
         γ = {momentum:?}, ln a = {ln_shrink:?}, after ln η = {previous_ln_rate:?} and a buffer that \
         holds {held:?} of the parameters a step; let the learning rate and the scale change less in a step"
    )]
    Overflow {
        /// The step `t`.
        step: u64,
        /// `ln η̃_t`.
        ln_learning_rate: f64,
        /// `γ_t`.
        momentum: f64,
        /// `ln a_t`.
        ln_shrink: f64,
        /// `ln η_{t−1}`.
        previous_ln_rate: f64,
        /// `η_{t−1} κ_{t−1}`.
        held: f64,
    },
    /// A constant growth that no constant positive weight decay gives.
    #[error(
        "no constant weight decay gives a learning rate that grows by ln ρ = {ln_growth:?} in a step at \
         momentum γ = {momentum:?}; ln ρ must be above 0 and below −2 ln γ = {limit:?}"
    )]
    GrowthOutOfRange {
        /// `ln ρ`.
        ln_growth: f64,
        /// `γ`.
        momentum: f64,
        /// `−2 ln γ`.
        limit: f64,
    },
    /// The initial buffer coefficient `κ_{−1}` is NaN or infinite.
    #[error(
        "the initial buffer coefficient is {value}; give a finite number, 0 for a buffer left as it is"
    )]
    BufferCoefficientNotFinite {
        /// What was given.
        value: f64,
    },
    /// The step counter is at its end.
    #[error("the step counter has reached its largest value, {step}; start a new law")]
    StepsExhausted {
        /// The largest step there is.
        step: u64,
    },
}
