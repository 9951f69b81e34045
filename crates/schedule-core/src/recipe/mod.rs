//! What an optimiser is told at every step.
//!
//! Start with [`Recipe`]: three [schedules](crate::schedule), of learning rate, weight decay and momentum, checked over all
//! steps. [`Hyperparameters`] is what it says about one step, and what the laws of SGD take.

mod error;
mod hyperparameters;

use std::collections::BTreeSet;

pub use error::RecipeError;
pub use hyperparameters::{Hyperparameter, Hyperparameters};

use crate::segments::Segments;
use crate::{LawError, Schedule};

/// A schedule for each hyperparameter of momentum SGD with coupled weight decay.
///
/// The form is PyTorch's `SGD(momentum, weight_decay)` with zero dampening, and that of Li & Arora
/// (arXiv:1910.07454): the learning rate is *outside* the momentum buffer,
/// ```text
/// b_{t+1} = γ_t b_t + ∇L_t(θ_t) + λ_t θ_t
/// θ_{t+1} = θ_t − η_t b_{t+1}
/// ```
/// With the rate inside the buffer a changing rate gives a different algorithm.
///
/// ```
/// use schedule_core::{Recipe, Schedule};
///
/// let recipe = Recipe::new(
///     Schedule::step_decay(0.1, 0.1, &[80 * 391, 120 * 391])?,
///     Schedule::constant(5e-4)?,
///     Schedule::constant(0.9)?,
/// )?;
/// assert_eq!(recipe.at(0).learning_rate, 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "crate::serial::Schedules"))]
pub struct Recipe {
    learning_rate: Schedule,
    weight_decay: Schedule,
    momentum: Schedule,
}

impl Recipe {
    /// A recipe of three schedules, checked over all steps.
    ///
    /// # Errors
    /// [`RecipeError`] with the step and value when a rate or decay gets negative, or a momentum
    /// leaves `[0, 1)`.
    pub fn new(
        learning_rate: Schedule,
        weight_decay: Schedule,
        momentum: Schedule,
    ) -> Result<Self, RecipeError> {
        not_negative(Hyperparameter::LearningRate, &learning_rate)?;
        not_negative(Hyperparameter::WeightDecay, &weight_decay)?;
        let extremes = momentum.extremes(0, u64::MAX);
        for (step, value) in [extremes.smallest, extremes.largest] {
            if !(0.0..1.0).contains(&value) {
                return Err(RecipeError::MomentumOutOfRange { step, value });
            }
        }
        Ok(Self {
            learning_rate,
            weight_decay,
            momentum,
        })
    }

    /// The hyperparameters of a step.
    #[must_use]
    #[inline]
    pub fn at(&self, step: u64) -> Hyperparameters {
        Hyperparameters {
            learning_rate: self.learning_rate.at(step),
            weight_decay: self.weight_decay.at(step),
            momentum: self.momentum.at(step),
        }
    }

    /// The schedule of a hyperparameter.
    #[must_use]
    pub fn schedule(&self, hyperparameter: Hyperparameter) -> &Schedule {
        match hyperparameter {
            Hyperparameter::LearningRate => &self.learning_rate,
            Hyperparameter::WeightDecay => &self.weight_decay,
            Hyperparameter::Momentum => &self.momentum,
        }
    }

    /// The schedule of the learning rate `η_t`.
    #[must_use]
    pub fn learning_rate(&self) -> &Schedule {
        &self.learning_rate
    }

    /// The schedule of the weight decay `λ_t`.
    #[must_use]
    pub fn weight_decay(&self) -> &Schedule {
        &self.weight_decay
    }

    /// The schedule of the momentum `γ_t`.
    #[must_use]
    pub fn momentum(&self) -> &Schedule {
        &self.momentum
    }

    /// The longest intervals on which all three are constant, in order.
    ///
    /// # Errors
    /// The first hyperparameter whose schedule is not made of constant pieces.
    ///
    /// ```
    /// use schedule_core::{Recipe, Schedule};
    ///
    /// let recipe = Recipe::new(
    ///     Schedule::step_decay(0.1, 0.1, &[80, 120])?,
    ///     Schedule::piecewise(&[5e-4, 1e-4], &[100])?,
    ///     Schedule::constant(0.9)?,
    /// )?;
    /// let starts = recipe.phases().unwrap().iter().map(|phase| phase.start).collect::<Vec<_>>();
    /// assert_eq!(starts, [0, 80, 100, 120]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn phases(&self) -> Result<Vec<RecipePhase>, Hyperparameter> {
        let segments = self.segments()?;
        let phase = |(start, hyperparameters): (u64, &Hyperparameters)| RecipePhase {
            start,
            hyperparameters: *hyperparameters,
        };
        Ok(segments.iter().map(phase).collect())
    }

    /// The refusal of a law that needs phases, from the hyperparameter that has none.
    pub(crate) fn not_piecewise_constant(&self, hyperparameter: Hyperparameter) -> LawError {
        LawError::NotPiecewiseConstant {
            hyperparameter,
            kind: self.schedule(hyperparameter).kind(),
        }
    }

    /// The phases, in a form that has a value at every step.
    pub(crate) fn segments(&self) -> Result<Segments<Hyperparameters>, Hyperparameter> {
        let mut changes = BTreeSet::new();
        for hyperparameter in Hyperparameter::ALL {
            let phases = self
                .schedule(hyperparameter)
                .phases()
                .ok_or(hyperparameter)?;
            changes.extend(phases.iter().map(|phase| phase.start));
        }
        Ok(Segments::of_changes(&changes, |start| self.at(start)))
    }
}

/// An interval on which a recipe is constant; it ends where the next one starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecipePhase {
    /// The first step.
    pub start: u64,
    /// What holds from there on.
    pub hyperparameters: Hyperparameters,
}

/// Checks that a rate or a decay is never negative.
pub(crate) fn not_negative(
    hyperparameter: Hyperparameter,
    schedule: &Schedule,
) -> Result<(), RecipeError> {
    let (step, value) = schedule.extremes(0, u64::MAX).smallest;
    if value < 0.0 {
        return Err(RecipeError::NegativeOrNotFinite {
            hyperparameter,
            step,
            value,
        });
    }
    Ok(())
}
