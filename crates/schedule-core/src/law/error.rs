//! What can be wrong with a conversion of SGD, said to a user.

use crate::Hyperparameter;
use crate::recipe::RecipeError;
use crate::schedule::ScheduleKind;

/// A conversion that has no answer in positive numbers.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LawError {
    /// The hyperparameters of a step are invalid by themselves.
    #[error(transparent)]
    Hyperparameters(#[from] RecipeError),
    /// `a_t ≤ 0`: the step would map the parameters through the origin.
    #[error(
        "step {step} has no weight-decay-free equivalent with a positive learning rate: \
         a_t = 1 − η(λ + γκ) = {shrink:?} is not positive at learning rate η = {learning_rate:?}, \
         weight decay λ = {weight_decay:?}, momentum γ = {momentum:?}, buffer coefficient \
         κ = {buffer_coefficient:?}; lower the learning rate, the weight decay or the momentum: \
         from a buffer left as it is, it suffices that the largest η times the largest λ is below 1 \
         and at most (1 − √γ)² of the largest γ, which is {limit:?} at this one"
    )]
    ShrinkNotPositive {
        /// The step `t`.
        step: u64,
        /// `η_t`.
        learning_rate: f64,
        /// `λ_t`.
        weight_decay: f64,
        /// `γ_t`.
        momentum: f64,
        /// `κ_{t−1}`.
        buffer_coefficient: f64,
        /// `a_t`.
        shrink: f64,
        /// `(1 − √γ_t)²`.
        limit: f64,
    },
    /// A quantity of the recurrence leaves float64.
    #[error(
        "the conversion of step {step} leaves float64: learning rate η = {learning_rate:?}, \
         weight decay λ = {weight_decay:?}, momentum γ = {momentum:?}, buffer coefficient \
         κ = {buffer_coefficient:?}; use a smaller weight decay or initial buffer coefficient"
    )]
    Overflow {
        /// The step `t`.
        step: u64,
        /// `η_t`.
        learning_rate: f64,
        /// `λ_t`.
        weight_decay: f64,
        /// `γ_t`.
        momentum: f64,
        /// `κ_{t−1}`.
        buffer_coefficient: f64,
    },
    /// `a_t ≤ 0` in a conversion that keeps a weight decay.
    #[error(
        "step {step} has no equivalent with weight decay λ̃ = {kept_weight_decay:?} and a positive \
         learning rate: a_t = 1 − η(λ − λ̃/A² + γκ) = {shrink:?} is not positive at learning rate \
         η = {learning_rate:?}, weight decay λ = {weight_decay:?}, momentum γ = {momentum:?}, buffer \
         coefficient κ = {buffer_coefficient:?}, ln A = {ln_scale:?}; keep more of the weight decay, or \
         lower the learning rate, the weight decay or the momentum"
    )]
    ShrinkNotPositiveKeeping {
        /// The step `t`.
        step: u64,
        /// `η_t`.
        learning_rate: f64,
        /// `λ_t`.
        weight_decay: f64,
        /// `γ_t`.
        momentum: f64,
        /// `κ_{t−1}`.
        buffer_coefficient: f64,
        /// `λ̃_t`.
        kept_weight_decay: f64,
        /// `ln A_t`.
        ln_scale: f64,
        /// `a_t`.
        shrink: f64,
    },
    /// `λ̃_t/A_t²` leaves float64.
    #[error(
        "the weight decay λ̃ = {kept_weight_decay:?} that is to be kept at step {step} is λ̃/A² of the \
         original's parameters, which leaves float64 at ln A = {ln_scale:?}; keep a weight decay from \
         early on, which holds A up, or none"
    )]
    KeptDecayOverflows {
        /// The step `t`.
        step: u64,
        /// `λ̃_t`.
        kept_weight_decay: f64,
        /// `ln A_t`.
        ln_scale: f64,
    },
    /// A recipe's weight decay cannot take the place of the changes of its rate.
    #[error(
        "the recipe has no equal at the constant learning rate of its step 0, {initial:?}: its weight \
         decay at some step times the learning rate there divided by this one is not a finite float64; \
         let the learning rate start above 0 and not far below its later values"
    )]
    NoConstantRate {
        /// `η_0`.
        initial: f64,
    },
    /// The growth of an exponential schedule is NaN or infinite.
    #[error("the growth of ln η̃ in a step is {value}; give a finite number")]
    GrowthNotFinite {
        /// What was given.
        value: f64,
    },
    /// A buffer coefficient `κ` is NaN or infinite.
    #[error(
        "the buffer coefficient is {value}; give a finite number, 0 for a buffer left as it is"
    )]
    BufferCoefficientNotFinite {
        /// What was given.
        value: f64,
    },
    /// The smallest shrink of a step that is not to be shifted is no number in `[0, 1)`.
    #[error(
        "the smallest shrink a_t to go on with is {value:?}; give a number of at least 0 and below 1, such \
         as 0.5: with no weight decay in the buffer a_t = 1 − ηλ, and with some it is less"
    )]
    SmallestShrinkOutOfRange {
        /// What was given.
        value: f64,
    },
    /// The step counter is at its end.
    #[error("the step counter has reached its largest value, {step}; start a new law")]
    StepsExhausted {
        /// The largest step there is.
        step: u64,
    },
    /// The constant-phase equation has complex or non-positive roots.
    #[error(
        "the constant phase from step {step} has no closed form: the roots of \
         x² − (1 + γ − λη)x + γ = 0 are not real and positive at learning rate η = {learning_rate:?}, \
         weight decay λ = {weight_decay:?}, momentum γ = {momentum:?}: λη = {product:?} must be at most \
         (1 − √γ)² = {limit:?}, and below 1; lower the learning rate, the weight decay or the momentum"
    )]
    NoPositiveRoot {
        /// First step of the phase.
        step: u64,
        /// `η`.
        learning_rate: f64,
        /// `λ`.
        weight_decay: f64,
        /// `γ`.
        momentum: f64,
        /// `λη`.
        product: f64,
        /// `(1 − √γ)²`.
        limit: f64,
    },
    /// TEXP or random access was asked for a recipe that is not piecewise constant.
    #[error(
        "the {hyperparameter} follows a {kind} schedule, but TEXP and random access are defined for \
         piecewise constant recipes only; use the streaming exact law, which takes any schedule"
    )]
    NotPiecewiseConstant {
        /// Which one it is.
        hyperparameter: Hyperparameter,
        /// The schedule it follows.
        kind: ScheduleKind,
    },
}
