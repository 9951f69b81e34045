//! What momentum SGD is told in one step.

use std::fmt;

use super::RecipeError;

/// The three hyperparameters of momentum SGD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Hyperparameter {
    /// `η`.
    LearningRate,
    /// `λ`.
    WeightDecay,
    /// `γ`.
    Momentum,
}

impl Hyperparameter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LearningRate, Self::WeightDecay, Self::Momentum];
}

impl fmt::Display for Hyperparameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LearningRate => "learning rate",
            Self::WeightDecay => "weight decay",
            Self::Momentum => "momentum",
        })
    }
}

/// The hyperparameters of one step of momentum SGD, in the form of [`Recipe`](super::Recipe).
///
/// In another [field](crate::field) than `f64` there is no order, and the ranges do not apply.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Hyperparameters<F = f64> {
    /// `η_t ≥ 0`, outside the momentum buffer.
    pub learning_rate: F,
    /// `λ_t ≥ 0`, coupled: added to the gradient as `λ_t θ_t`.
    pub weight_decay: F,
    /// `0 ≤ γ_t < 1`, without dampening.
    pub momentum: F,
}

impl Hyperparameters {
    /// Checks the ranges; `step` is for the message.
    ///
    /// # Errors
    /// [`RecipeError`] when the rate or the decay is negative or not finite, or the momentum outside
    /// `[0, 1)`.
    ///
    /// ```
    /// use schedule_core::Hyperparameters;
    /// let bad = Hyperparameters { learning_rate: 0.1, weight_decay: -1e-4, momentum: 0.9 };
    /// let message = bad.validate(7).unwrap_err().to_string();
    /// assert_eq!(message, "the weight decay is -0.0001 at step 7; it must be finite and not negative");
    /// ```
    #[inline]
    pub fn validate(&self, step: u64) -> Result<(), RecipeError> {
        let not_negative = |hyperparameter, value: f64| {
            if (0.0..f64::INFINITY).contains(&value) {
                return Ok(());
            }
            Err(RecipeError::NegativeOrNotFinite {
                hyperparameter,
                step,
                value,
            })
        };
        not_negative(Hyperparameter::LearningRate, self.learning_rate)?;
        not_negative(Hyperparameter::WeightDecay, self.weight_decay)?;
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(RecipeError::MomentumOutOfRange {
                step,
                value: self.momentum,
            });
        }
        Ok(())
    }
}
