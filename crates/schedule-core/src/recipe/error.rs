//! What can be wrong with a recipe, said to a user.

use super::Hyperparameter;

/// A recipe whose values no optimiser of this form can use.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A learning rate or weight decay is negative, NaN or infinite.
    #[error("the {hyperparameter} is {value:?} at step {step}; it must be finite and not negative")]
    NegativeOrNotFinite {
        /// Which one it is.
        hyperparameter: Hyperparameter,
        /// A step at which it has this value.
        step: u64,
        /// The value.
        value: f64,
    },
    /// A momentum is outside `[0, 1)`, or NaN.
    #[error(
        "the momentum is {value:?} at step {step}; it must be at least 0 and below 1, \
         or the momentum buffer does not forget"
    )]
    MomentumOutOfRange {
        /// A step at which it has this value.
        step: u64,
        /// The value.
        value: f64,
    },
}
