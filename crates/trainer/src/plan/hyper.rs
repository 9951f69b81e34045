//! From a recipe and a transform to the hyperparameters that an engine takes.

use std::f64::consts::LN_2;

use nn_engine::GroupHyper;
use scale_invariance::SCALED_GROUP;
use schedule_core::law::exact::ConstantPhase;
use schedule_core::law::texp::Texp;
use schedule_core::renormalisation::{RenormalisationError, Renormaliser, rescaled_learning_rate};
use schedule_core::{EquivalentStep, ExactLaw, Hyperparameters, LawError, Recipe};

use crate::experiment::Transform;

/// One run's hyperparameters, step after step, in constant memory.
///
/// ```
/// use schedule_core::{Recipe, Schedule};
/// use trainer::experiment::Transform;
/// use trainer::plan::RunSchedule;
///
/// let recipe = Recipe::new(
///     Schedule::constant(0.5)?,
///     Schedule::constant(0.5)?,
///     Schedule::constant(0.0)?,
/// )?;
/// let mut exact = RunSchedule::new(&recipe, Transform::WdFree)?;
/// let (first, second) = (exact.next_step()?, exact.next_step()?);
/// // a = 1 − ηλ = 0.75, and the running statistics learn of it one step later.
/// assert_eq!((first.scale_ratio, second.scale_ratio), (1.0, 0.75));
/// let converted = second.hyper(0);
/// assert_eq!((converted.weight_decay, converted.momentum), (0.0, 0.0));
/// assert!((converted.learning_rate - 0.5 / 0.75f64.powi(3)).abs() < 1e-15);
/// // What is not scaled keeps its recipe.
/// assert_eq!(second.hyper(1).weight_decay, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunSchedule {
    recipe: Recipe,
    /// The recipe that is converted: that one, or the same at constant rate.
    converted: Recipe,
    conversion: Conversion,
    reach: Reach,
    step: u64,
    /// `a_{t−1}`, and 1 before the first step.
    scale_ratio: f64,
    /// Keeps the run within a format, if it is to be kept.
    renormaliser: Option<Renormaliser>,
}

/// A step that a run cannot make.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// It has no equivalent without weight decay.
    #[error(transparent)]
    Law(#[from] LawError),
    /// No scale keeps it within its float format.
    #[error(transparent)]
    Renormalisation(#[from] RenormalisationError),
}

/// What is converted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    /// The parameters that may be scaled.
    ScaledGroup,
    /// Every parameter: wrong, for those that may not.
    Everything,
}

#[derive(Clone, Debug)]
enum Conversion {
    None,
    Exact(ExactLaw),
    Texp(Texp),
    ConstantExponent(ConstantPhase),
}

/// What one run does in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedStep {
    /// The step, from 0.
    pub step: u64,
    /// The recipe as written: what parameters that are not scaled keep.
    pub original: Hyperparameters,
    /// Learning rate of the scaled parameters as they are held, `2^{−2K} η̃`; infinite where it leaves float64.
    pub learning_rate: f64,
    /// `ln η̃`, the natural logarithm of the rate at the run's own scale; −∞ for a rate of 0.
    pub ln_learning_rate: f64,
    /// Weight decay of the scaled parameters.
    pub weight_decay: f64,
    /// Momentum of the scaled parameters.
    pub momentum: f64,
    /// `a_{t−1}`, see [`GroupHyper::scale_ratio`].
    pub scale_ratio: f64,
    /// `ln A_t`, by how much this run's parameters are larger (negated) than the original's.
    pub ln_scale: f64,
    /// `k`: before the step, the run is rescaled by `2^{−k}`.
    pub rescaling: i64,
    /// `K`: in the step, the run is held at `2^{−K}` of its own scale.
    pub total_rescaling: i64,
    reach: Reach,
}

impl RunSchedule {
    /// The schedule from step 0.
    ///
    /// # Errors
    /// [`LawError`] where [`Texp`] is not defined.
    pub fn new(recipe: &Recipe, transform: Transform) -> Result<Self, LawError> {
        let converted = match transform {
            Transform::TaperedNoDrop => recipe.with_constant_rate()?,
            _ => recipe.clone(),
        };
        let conversion = match transform {
            Transform::Original => Conversion::None,
            Transform::WdFree | Transform::WdFreeEverywhere => Conversion::Exact(ExactLaw::new()),
            Transform::Tapered | Transform::TaperedNoDrop => {
                Conversion::Texp(Texp::new(&converted)?)
            }
            Transform::ConstantExponent => {
                Conversion::ConstantExponent(ConstantPhase::new(recipe.at(0))?)
            }
        };
        Ok(Self {
            recipe: recipe.clone(),
            converted,
            conversion,
            reach: match transform {
                Transform::WdFreeEverywhere => Reach::Everything,
                _ => Reach::ScaledGroup,
            },
            step: 0,
            scale_ratio: 1.0,
            renormaliser: None,
        })
    }

    /// The same schedule, [rescaled](PlannedStep::rescaling) wherever something would leave the renormaliser's format;
    /// the original run never is.
    #[must_use]
    pub fn renormalised(self, renormaliser: Renormaliser) -> Self {
        Self {
            renormaliser: Some(renormaliser),
            ..self
        }
    }

    /// The next step's hyperparameters.
    ///
    /// # Errors
    /// [`PlanError`] at a step that has no equivalent, or cannot be kept within the format; the run ends there.
    pub fn next_step(&mut self) -> Result<PlannedStep, PlanError> {
        let step = self.step;
        let original = self.recipe.at(step);
        let equivalent = match &mut self.conversion {
            Conversion::None => None,
            Conversion::Exact(law) => Some(law.step(original)?),
            Conversion::Texp(texp) => Some(texp.at(step)),
            Conversion::ConstantExponent(phase) => {
                let mut equivalent = phase.at(step, 0.0);
                let drop = original.learning_rate.ln() - phase.hyperparameters().learning_rate.ln();
                equivalent.ln_learning_rate += drop;
                Some(equivalent)
            }
        };
        self.step += 1;
        Ok(match equivalent {
            None => PlannedStep::original(step, original),
            Some(equivalent) => {
                let (rescaling, total) = match &mut self.renormaliser {
                    None => (0, 0),
                    Some(renormaliser) => {
                        let due = renormaliser.before(&equivalent)?;
                        (due.map_or(0, |due| due.exponent), renormaliser.total())
                    }
                };
                let converted = self.converted.at(step);
                let ratio = self.scale_ratio;
                let planned = PlannedStep::converted(converted, &equivalent, ratio, total);
                self.scale_ratio = equivalent.shrink;
                PlannedStep {
                    original,
                    rescaling,
                    reach: self.reach,
                    ..planned
                }
            }
        })
    }

    /// The next step of the exact law at a scale between 1 and 2, which differs from the run's own by a power of two, so that
    /// its numbers are in range however long the run is. With `ln a` of the step before it, 0 before the first. `None` for a
    /// run that does not follow that law.
    ///
    /// # Errors
    /// [`LawError`] at a step that has no equivalent.
    pub fn law_ahead(&self) -> Result<Option<(EquivalentStep, f64)>, LawError> {
        let Conversion::Exact(law) = &self.conversion else {
            return Ok(None);
        };
        let mut next = law.clone().step(self.recipe.at(self.step))?;
        let change = next.ln_scale.rem_euclid(LN_2) - next.ln_scale;
        next.ln_scale += change;
        next.ln_scale_after += change;
        next.ln_learning_rate -= 2.0 * change;
        Ok(Some((next, self.scale_ratio.ln())))
    }

    /// What is converted: the recipe as written.
    pub(crate) fn original_hyper_ahead(&self) -> Hyperparameters {
        self.recipe.at(self.step)
    }

    /// `a` of the step planned last, still due when the parameters after it are evaluated; 1 before
    /// the first step.
    pub fn due_scale_ratio(&self) -> f64 {
        self.scale_ratio
    }

    /// [`due_scale_ratio`](Self::due_scale_ratio) of each of an engine's groups.
    pub fn due_scale_ratios(&self, groups: usize) -> Vec<f64> {
        (0..groups)
            .map(|group| {
                if group == SCALED_GROUP {
                    self.scale_ratio
                } else {
                    1.0
                }
            })
            .collect()
    }
}

impl PlannedStep {
    /// A step of the recipe as it is written.
    pub fn original(step: u64, original: Hyperparameters) -> Self {
        Self {
            step,
            original,
            learning_rate: original.learning_rate,
            ln_learning_rate: original.learning_rate.ln(),
            weight_decay: original.weight_decay,
            momentum: original.momentum,
            scale_ratio: 1.0,
            ln_scale: 0.0,
            rescaling: 0,
            total_rescaling: 0,
            reach: Reach::ScaledGroup,
        }
    }

    /// A step without weight decay, of a run held at `2^{−total}` of its own scale; `scale_ratio` is `a` of the step
    /// before.
    pub fn converted(
        original: Hyperparameters,
        equivalent: &EquivalentStep,
        scale_ratio: f64,
        total: i64,
    ) -> Self {
        // η̃ = η/(A_t A_{t+1}) and not exp(ln η̃): the logarithm of a rate near 0.1 is rounded more
        // coarsely than those of scales near 1. The power of two changes no digit of it.
        let ln_growth = -(equivalent.ln_scale + equivalent.ln_scale_after);
        Self {
            step: equivalent.step,
            original,
            learning_rate: original.learning_rate * rescaled_learning_rate(ln_growth, total),
            ln_learning_rate: equivalent.ln_learning_rate,
            weight_decay: 0.0,
            momentum: equivalent.momentum,
            scale_ratio,
            ln_scale: equivalent.ln_scale,
            rescaling: 0,
            total_rescaling: total,
            reach: Reach::ScaledGroup,
        }
    }

    /// What the engine is [rescaled](nn_engine::Engine::rescale) by before the step, an exponent for each of its groups;
    /// none if that is nothing.
    pub fn engine_rescaling(&self, groups: usize) -> Option<Vec<i64>> {
        let exponent = |group| match group {
            SCALED_GROUP => -self.rescaling,
            _ => 0,
        };
        (self.rescaling != 0).then(|| (0..groups).map(exponent).collect())
    }

    /// A norm of scaled parameters at the run's own scale, from that of what is held; infinite where it leaves float64.
    pub fn own_norm(&self, held: f64) -> f64 {
        held * (self.total_rescaling as f64).exp2()
    }

    /// What a parameter group does: the scaled group as planned, every other as in the recipe
    /// ([`WdFreeEverywhere`](Transform::WdFreeEverywhere): as planned, too).
    pub fn hyper(&self, group: usize) -> GroupHyper {
        if group != SCALED_GROUP && self.reach == Reach::ScaledGroup {
            return self.original_hyper();
        }
        GroupHyper {
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            momentum: self.momentum,
            moments: None,
            scale_ratio: self.scale_ratio,
        }
    }

    /// What every group of the original run does.
    pub fn original_hyper(&self) -> GroupHyper {
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = self.original;
        GroupHyper::new(learning_rate, weight_decay, momentum)
    }
}

#[cfg(test)]
mod tests {
    use schedule_core::Schedule;

    use super::*;

    #[test]
    fn without_drops_only_what_is_not_scaled_keeps_them() {
        let rate = Schedule::step_decay(0.1, 0.1, &[3]).unwrap();
        let [decay, momentum] = [5e-4, 0.9].map(|value| Schedule::constant(value).unwrap());
        let recipe = Recipe::new(rate, decay, momentum).unwrap();
        let texp = Texp::new(&recipe.with_constant_rate().unwrap()).unwrap();
        let mut run = RunSchedule::new(&recipe, Transform::TaperedNoDrop).unwrap();
        for step in 0..6 {
            let planned = run.next_step().unwrap();
            assert_eq!(planned.ln_learning_rate, texp.ln_learning_rate(step));
            assert!((planned.learning_rate.ln() - planned.ln_learning_rate).abs() < 1e-14);
            assert_eq!(
                planned.hyper(1).learning_rate,
                recipe.at(step).learning_rate
            );
        }
    }
}
