//! From a recipe and a transform to the hyperparameters that an engine takes.

use std::f64::consts::LN_2;

use nn_engine::GroupHyper;
use recipe_file::{Optimizer, RecipeTables};
use scale_invariance::SCALED_GROUP;
use schedule_core::law::exact::ConstantPhase;
use schedule_core::law::texp::Texp;
use schedule_core::renormalisation::{RenormalisationError, Renormaliser};

use super::twin::{NoTwin, TwinLaw, TwinStep, hyper_at};
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
/// let mut exact = RunSchedule::new(&recipe.into(), Transform::WdFree)?; // a recipe of SGD
/// let (first, second) = (exact.next_step()?, exact.next_step()?);
/// let converted = second.hyper(0);
/// // a = 1 − ηλ = 0.75, and the running statistics learn of it one step later.
/// assert_eq!((first.hyper(0).scale_ratio, converted.scale_ratio), (1.0, 0.75));
/// assert_eq!((converted.weight_decay, converted.momentum), (0.0, 0.0));
/// assert!((converted.learning_rate - 0.5 / 0.75f64.powi(3)).abs() < 1e-15);
/// // What is not scaled keeps its recipe.
/// assert_eq!(second.hyper(1).weight_decay, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunSchedule {
    recipe: RecipeTables,
    /// The recipe that is converted: that one, or the same at constant rate.
    converted: RecipeTables,
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
    Law(#[from] NoTwin),
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
    Exact(TwinLaw),
    Texp(Texp),
    ConstantExponent(ConstantPhase),
}

/// What one run does in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedStep {
    /// The step, from 0.
    pub step: u64,
    /// The recipe as written: what parameters that are not scaled keep.
    pub original: GroupHyper,
    /// What scaled parameters are told, as they are held: at a rate of `2^{−2K} η̃`, or of AdamW `2^{−K} η̃`; infinite
    /// where it leaves float64.
    pub scaled: GroupHyper,
    /// `ln η̃`, the natural logarithm of the rate at the run's own scale; −∞ for a rate of 0.
    pub ln_learning_rate: f64,
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
    /// [`NoTwin`] where [`Texp`] is not defined, or the transform not for the recipe's optimiser.
    pub fn new(recipe: &RecipeTables, transform: Transform) -> Result<Self, NoTwin> {
        let optimizer = recipe.optimizer;
        if !matches!(transform, Transform::Original | Transform::WdFree)
            && optimizer != Optimizer::Sgd
        {
            return Err(NoTwin::NeedsSgd {
                transform,
                optimizer,
            });
        }
        let converted = match transform {
            Transform::TaperedNoDrop => recipe.recipe.with_constant_rate()?.into(),
            _ => recipe.clone(),
        };
        let conversion = match transform {
            Transform::Original => Conversion::None,
            Transform::WdFree | Transform::WdFreeEverywhere => {
                Conversion::Exact(TwinLaw::new(optimizer))
            }
            Transform::Tapered | Transform::TaperedNoDrop => {
                Conversion::Texp(Texp::new(&converted.recipe)?)
            }
            Transform::ConstantExponent => {
                Conversion::ConstantExponent(ConstantPhase::new(recipe.recipe.at(0))?)
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
        let original = self.original_ahead();
        let twin = match &mut self.conversion {
            Conversion::None => None,
            Conversion::Exact(law) => Some(law.step(original)?),
            Conversion::Texp(texp) => Some(TwinStep::Coupled(texp.at(step))),
            Conversion::ConstantExponent(phase) => {
                let mut equivalent = phase.at(step, 0.0);
                let drop = original.learning_rate.ln() - phase.hyperparameters().learning_rate.ln();
                equivalent.ln_learning_rate += drop;
                Some(TwinStep::Coupled(equivalent))
            }
        };
        self.step += 1;
        Ok(match twin {
            None => PlannedStep::original(step, original),
            Some(twin) => {
                let (rescaling, total) = match &mut self.renormaliser {
                    None => (0, 0),
                    Some(renormaliser) => {
                        let due = renormaliser.before(&twin)?;
                        (due.map_or(0, |due| due.exponent), renormaliser.total())
                    }
                };
                let converted = hyper_at(&self.converted, step);
                let planned = PlannedStep::converted(converted, &twin, self.scale_ratio, total);
                self.scale_ratio = match self.conversion {
                    // Nothing is known of its scale: after a drop of the rate, weights do not grow for a while.
                    Conversion::ConstantExponent(_) => 1.0,
                    _ => twin.shrink(),
                };
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
    /// [`NoTwin`] at a step that has no equivalent.
    pub fn law_ahead(&self) -> Result<Option<(TwinStep, f64)>, NoTwin> {
        let Conversion::Exact(law) = &self.conversion else {
            return Ok(None);
        };
        let next = law.clone().step(self.original_ahead())?;
        let [ln_scale, _] = next.ln_scales();
        let change = ln_scale.rem_euclid(LN_2) - ln_scale;
        Ok(Some((next.at_scale(change), self.scale_ratio.ln())))
    }

    /// The recipe as written, at the next step.
    pub(crate) fn original_ahead(&self) -> GroupHyper {
        hyper_at(&self.recipe, self.step)
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
    pub fn original(step: u64, original: GroupHyper) -> Self {
        Self {
            step,
            original,
            scaled: original,
            ln_learning_rate: original.learning_rate.ln(),
            ln_scale: 0.0,
            rescaling: 0,
            total_rescaling: 0,
            reach: Reach::ScaledGroup,
        }
    }

    /// A step without weight decay, of a run held at `2^{−total}` of its own scale; `scale_ratio` is `a` of the step
    /// before.
    pub fn converted(original: GroupHyper, twin: &TwinStep, scale_ratio: f64, total: i64) -> Self {
        let [ln_scale, _] = twin.ln_scales();
        Self {
            step: twin.step(),
            original,
            scaled: twin.hyper(original, scale_ratio, total),
            ln_learning_rate: twin.ln_learning_rate(),
            ln_scale,
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
        match self.reach {
            Reach::ScaledGroup if group != SCALED_GROUP => self.original,
            _ => self.scaled,
        }
    }
}

#[cfg(test)]
mod tests {
    use schedule_core::{Recipe, Schedule};

    use super::*;

    #[test]
    fn without_drops_only_what_is_not_scaled_keeps_them() {
        let rate = Schedule::step_decay(0.1, 0.1, &[3]).unwrap();
        let [decay, momentum] = [5e-4, 0.9].map(|value| Schedule::constant(value).unwrap());
        let recipe = Recipe::new(rate, decay, momentum).unwrap();
        let texp = Texp::new(&recipe.with_constant_rate().unwrap()).unwrap();
        let mut run = RunSchedule::new(&recipe.clone().into(), Transform::TaperedNoDrop).unwrap();
        for step in 0..6 {
            let planned = run.next_step().unwrap();
            assert_eq!(planned.ln_learning_rate, texp.ln_learning_rate(step));
            assert!((planned.scaled.learning_rate.ln() - planned.ln_learning_rate).abs() < 1e-14);
            assert_eq!(
                planned.hyper(1).learning_rate,
                recipe.at(step).learning_rate
            );
        }
    }
}
