//! Steps that have no equivalent.

use crate::RecipeError;
use crate::optimiser::NesterovHyperparameters;

/// A step of Nesterov SGD that has no equivalent without weight decay.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NesterovError {
    /// Rate, decay or momentum are invalid by themselves.
    #[error(transparent)]
    Hyperparameters(#[from] RecipeError),
    /// The gradient's weight is not positive, or the look-ahead negative, or one not finite.
    #[error(
        "step {step}: the gradient weight δ is {gradient_weight:?} and the look-ahead ν is {lookahead:?}; \
         δ must be finite and above 0, ν finite and not negative: PyTorch has δ = 1 and ν the momentum"
    )]
    WeightsOutOfRange {
        /// The step.
        step: u64,
        /// `δ_t`.
        gradient_weight: f64,
        /// `ν_t`.
        lookahead: f64,
    },
    /// `a_t ≤ 0`: the step would map the parameters through the origin.
    #[error(
        "step {step} has no weight-decay-free equivalent with a positive learning rate: \
         a_t = 1 − η(λ + νd) = {shrink:?} is not positive at {with:?}, buffer coefficient \
         κ = {buffer_coefficient:?}; lower the learning rate, the weight decay or the momentum"
    )]
    ShrinkNotPositive {
        /// The step `t`.
        step: u64,
        /// The hyperparameters.
        with: NesterovHyperparameters,
        /// `κ_{t−1}`.
        buffer_coefficient: f64,
        /// `a_t`.
        shrink: f64,
    },
    /// A quantity of the recurrence leaves float64.
    #[error(
        "the conversion of step {step} leaves float64 at {with:?}, buffer coefficient \
         κ = {buffer_coefficient:?}; use a smaller weight decay or look-ahead"
    )]
    Overflow {
        /// The step `t`.
        step: u64,
        /// The hyperparameters.
        with: NesterovHyperparameters,
        /// `κ_{t−1}`.
        buffer_coefficient: f64,
    },
    /// The root that a free dampening needs is not of a positive number.
    #[error(
        "step {step}: a twin with look-ahead ν̃ = γ̃ needs the root of νσ/(γwa) = {square:?}, which is not \
         positive and finite at {with:?}; use the form with a separate look-ahead, which needs no root"
    )]
    RootNotPositive {
        /// The step `t`.
        step: u64,
        /// The hyperparameters.
        with: NesterovHyperparameters,
        /// What the root was to be taken of.
        square: f64,
    },
    /// The gradient's weight of the equivalent step is not 1, in PyTorch's form.
    #[error(
        "step {step} has no equivalent in PyTorch's nesterov=True: its momentum is both what the buffer \
         is multiplied by and how far the step looks ahead, so that removing weight decay asks for \
         six equations with five unknowns; the buffer would have to take the gradient with the weight \
         {gradient_weight:?} (a dampening of {}), which PyTorch holds at 1; use the form with a free \
         dampening or with a separate look-ahead, in an optimiser of your own",
        1.0 - gradient_weight
    )]
    PyTorchFormNotClosed {
        /// The step `t`.
        step: u64,
        /// `δ̃_t` in the form with a free dampening.
        gradient_weight: f64,
    },
    /// The initial buffer coefficient `κ_{−1}` is negative, NaN or infinite.
    #[error(
        "the initial buffer coefficient is {value:?}; give a finite number that is not negative, 0 for a buffer left \
         as it is"
    )]
    BufferCoefficientOutOfRange {
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
