//! What a form of momentum cannot hold.

use super::MomentumForm;
use crate::RecipeError;

/// A step that cannot be written in another form of momentum, or converted in it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// The rate or the decay of a step is invalid by itself.
    #[error(transparent)]
    Hyperparameters(#[from] RecipeError),
    /// A momentum is negative, NaN or infinite.
    #[error("the momentum is {value:?} at step {step}; it must be finite and not negative")]
    MomentumNegativeOrNotFinite {
        /// The step `t`.
        step: u64,
        /// What was given.
        value: f64,
    },
    /// The momentum in the other form is not a finite number.
    #[error(
        "step {step} cannot be written with the {to}: its momentum {momentum:?} times the quotient \
         of the learning rates {previous:?} at the step before and {learning_rate:?} at this one, \
         larger or smaller, is not a finite number; a buffer that a learning rate of 0 has \
         multiplied is lost, so let the momentum be 0 there or the learning rate above 0"
    )]
    NoMomentum {
        /// The form that was asked for.
        to: MomentumForm,
        /// The step `t`.
        step: u64,
        /// `γ_t` in the form that was given.
        momentum: f64,
        /// `η_{t−1}`.
        previous: f64,
        /// `η_t`.
        learning_rate: f64,
    },
    /// A dampening is outside `[0, 1)`, or NaN.
    #[error(
        "the dampening is {value:?} at step {step}; it must be at least 0 and below 1, or the buffer \
         does not see the gradient"
    )]
    DampeningOutOfRange {
        /// The step `t`.
        step: u64,
        /// What was given.
        value: f64,
    },
    /// A momentum without dampening leaves float64.
    #[error(
        "the momentum without dampening leaves float64 at step {step}: momentum {momentum:?}, \
         dampening {previous:?} at the step before and {dampening:?} at this one; keep the dampening \
         away from 1"
    )]
    DampeningOverflows {
        /// The step `t`.
        step: u64,
        /// `γ_t`.
        momentum: f64,
        /// `τ_{t−1}`.
        previous: f64,
        /// `τ_t`.
        dampening: f64,
    },
    /// `a_t ≤ 0`: the step would map the parameters through the origin.
    #[error(
        "step {step} has no weight-decay-free equivalent with a positive learning rate: \
         a_t = 1 − ηλ − γ'c = {shrink:?} is not positive at learning rate η = {learning_rate:?}, \
         weight decay λ = {weight_decay:?}, momentum γ' = {momentum:?} of the form with the rate inside \
         the buffer, buffer coefficient c = {buffer_coefficient:?}; lower the learning rate, the weight \
         decay or the momentum"
    )]
    ShrinkNotPositive {
        /// The step `t`.
        step: u64,
        /// `η_t`.
        learning_rate: f64,
        /// `λ_t`.
        weight_decay: f64,
        /// `γ'_t`.
        momentum: f64,
        /// `c_{t−1}`.
        buffer_coefficient: f64,
        /// `a_t`.
        shrink: f64,
    },
    /// A quantity of the recurrence leaves float64.
    #[error(
        "the conversion of step {step} leaves float64: learning rate η = {learning_rate:?}, weight decay \
         λ = {weight_decay:?}, momentum γ' = {momentum:?}, buffer coefficient \
         c = {buffer_coefficient:?}; use a smaller weight decay or initial buffer coefficient"
    )]
    Overflow {
        /// The step `t`.
        step: u64,
        /// `η_t`.
        learning_rate: f64,
        /// `λ_t`.
        weight_decay: f64,
        /// `γ'_t`.
        momentum: f64,
        /// `c_{t−1}`.
        buffer_coefficient: f64,
    },
    /// The initial buffer coefficient `c_{−1}` is not a finite number above −1.
    #[error(
        "the initial buffer coefficient is {value}; give a finite number above −1, 0 for a buffer \
         left as it is"
    )]
    BufferCoefficientOutOfRange {
        /// What was given.
        value: f64,
    },
    /// The step counter is at its end.
    #[error("the step counter has reached its largest value, {step}; start again")]
    StepsExhausted {
        /// The largest step there is.
        step: u64,
    },
}
