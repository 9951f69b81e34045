//! The law of each optimiser, and what a step of it makes of a parameter group.

use nn_engine::{GroupHyper, Optimiser};
use recipe_file::{Optimizer, RecipeTables};
use schedule_core::law::decoupled::{
    AdamWError, AdamWLaw, DecoupledError, DecoupledLaw, DecoupledStep,
};
use schedule_core::optimiser::{AdamWHyperparameters, MovingAverage};
use schedule_core::renormalisation::{Growth, exp_times_power_of_two};
use schedule_core::{EquivalentStep, ExactLaw, Hyperparameters, LawError};

use crate::experiment::Transform;

/// Why there is no run without weight decay, or not this one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NoTwin {
    /// An approximation that is defined for SGD alone, or a wrong way that is shown of it alone.
    #[error(
        "transform = \"{}\" is for recipes of \"sgd\", and this one is of \"{optimizer}\"; choose \"{}\", which is exact \
         for every optimiser, or optimizer.kind = \"sgd\"",
        transform.name(), Transform::WdFree.name()
    )]
    NeedsSgd {
        /// What was to be done to the recipe.
        transform: Transform,
        /// The recipe's optimiser.
        optimizer: Optimizer,
    },
    /// A step of AdamW that is told nothing of its moments.
    #[error(
        "a step of AdamW needs β₂ and ε, and this one has neither; make it by GroupHyper::adamw, or take the law of the \
         optimiser that it is of"
    )]
    NoMoments,
    /// A step of SGD without an equivalent.
    #[error(transparent)]
    Law(#[from] LawError),
    /// A step of SGDW without one.
    #[error(transparent)]
    Decoupled(#[from] DecoupledError),
    /// A step of AdamW without one.
    #[error(transparent)]
    AdamW(#[from] AdamWError),
}

/// The engines' optimiser of a recipe.
pub fn optimiser(recipe: &RecipeTables) -> Optimiser {
    match recipe.optimizer {
        Optimizer::Sgd => Optimiser::Sgd,
        Optimizer::Sgdw => Optimiser::Sgdw,
        Optimizer::AdamW => Optimiser::AdamW,
    }
}

/// What a recipe tells its optimiser at a step.
///
/// ```
/// use recipe_file::RecipeTables;
/// use schedule_core::{Recipe, Schedule};
/// use trainer::plan::hyper_at;
///
/// let rate = Schedule::step_decay(0.1, 0.1, &[7])?;
/// let recipe = Recipe::new(rate, Schedule::constant(5e-4)?, Schedule::constant(0.9)?)?;
/// let sgd = RecipeTables::from(recipe);
/// assert_eq!(hyper_at(&sgd, 6).learning_rate, 0.1);
/// assert!(hyper_at(&sgd, 7).moments.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn hyper_at(recipe: &RecipeTables, step: u64) -> GroupHyper {
    let Hyperparameters {
        learning_rate,
        weight_decay,
        momentum,
    } = recipe.recipe.at(step);
    match &recipe.moments {
        None => GroupHyper::new(learning_rate, weight_decay, momentum),
        Some(moments) => {
            let beta = [moments.beta1.at(step), moments.beta2.at(step)];
            let epsilon = moments.epsilon.at(step);
            GroupHyper::adamw(learning_rate, weight_decay, beta, epsilon, step)
        }
    }
}

/// The exact law by which an optimiser does without weight decay, from the first step on.
///
/// ```
/// use nn_engine::GroupHyper;
/// use recipe_file::Optimizer;
/// use trainer::plan::TwinLaw;
///
/// let mut law = TwinLaw::new(Optimizer::AdamW);
/// let adamw = |step| GroupHyper::adamw(0.5, 0.5, [0.5, 0.5], 1e-8, step);
/// let (first, second) = (law.step(adamw(0))?, law.step(adamw(1))?);
/// // a = 1 − ηλ = 0.75: η/(A₁A₂⁰), then η/A₂.
/// let twin = second.hyper(adamw(1), first.shrink(), 0);
/// assert!((twin.learning_rate - 0.5 / 0.75f64.powi(2)).abs() < 1e-15);
/// assert_eq!((twin.weight_decay, twin.momentum), (0.0, 0.5 * 0.75));
/// assert_eq!(twin.moments.map(|moments| moments.second_keep), Some(0.5 * 0.75 * 0.75));
/// # Ok::<(), trainer::plan::NoTwin>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum TwinLaw {
    /// Of SGD with coupled weight decay.
    Sgd(ExactLaw),
    /// Of SGDW.
    Sgdw(DecoupledLaw),
    /// Of AdamW.
    AdamW(AdamWLaw),
}

impl TwinLaw {
    /// The optimiser's law, before the first step.
    pub fn new(optimizer: Optimizer) -> Self {
        match optimizer {
            Optimizer::Sgd => Self::Sgd(ExactLaw::new()),
            Optimizer::Sgdw => Self::Sgdw(DecoupledLaw::sgdw()),
            Optimizer::AdamW => Self::AdamW(AdamWLaw::new()),
        }
    }

    /// The equivalent of the next step, in which the original is told `original`.
    ///
    /// # Errors
    /// [`NoTwin`] if there is none.
    pub fn step(&mut self, original: GroupHyper) -> Result<TwinStep, NoTwin> {
        let GroupHyper {
            learning_rate,
            weight_decay,
            momentum,
            ..
        } = original;
        Ok(match self {
            Self::Sgd(law) => TwinStep::Coupled(law.step(Hyperparameters {
                learning_rate,
                weight_decay,
                momentum,
            })?),
            Self::Sgdw(law) => TwinStep::Decoupled(law.step(learning_rate, weight_decay)?),
            Self::AdamW(law) => {
                // Neither has a part in the scales; the law checks them.
                let moments = original.moments.ok_or(NoTwin::NoMoments)?;
                let step = law.step(AdamWHyperparameters {
                    learning_rate,
                    weight_decay,
                    beta1: momentum,
                    beta2: moments.second_keep,
                    epsilon: moments.epsilon,
                })?;
                TwinStep::Decoupled(step.decoupled)
            }
        })
    }
}

/// One step of a run without weight decay, and how its scale is related to the original's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TwinStep {
    /// Of SGD, whose weight decay is in its momentum buffer.
    Coupled(EquivalentStep),
    /// Of SGDW or AdamW, whose is not.
    Decoupled(DecoupledStep),
}

impl From<&TwinStep> for Growth {
    fn from(step: &TwinStep) -> Self {
        match step {
            TwinStep::Coupled(step) => step.into(),
            TwinStep::Decoupled(step) => step.into(),
        }
    }
}

impl TwinStep {
    /// `t`, from 0.
    pub fn step(&self) -> u64 {
        match self {
            Self::Coupled(step) => step.step,
            Self::Decoupled(step) => step.step,
        }
    }

    /// `k`, the degree of the update in the gradients.
    pub fn degree(&self) -> f64 {
        match self {
            Self::Coupled(_) => Optimiser::Sgd.degree() as f64,
            Self::Decoupled(step) => step.degree,
        }
    }

    /// `ln η̃_t`; −∞ for a rate of 0.
    pub fn ln_learning_rate(&self) -> f64 {
        match self {
            Self::Coupled(step) => step.ln_learning_rate,
            Self::Decoupled(step) => step.ln_learning_rate,
        }
    }

    /// `ln A_t` and `ln A_{t+1}`.
    pub fn ln_scales(&self) -> [f64; 2] {
        match self {
            Self::Coupled(step) => [step.ln_scale, step.ln_scale_after],
            Self::Decoupled(step) => [step.ln_scale, step.ln_scale_after],
        }
    }

    /// `a_t = A_{t+1}/A_t`.
    pub fn shrink(&self) -> f64 {
        match self {
            Self::Coupled(step) => step.shrink,
            Self::Decoupled(step) => step.shrink,
        }
    }

    /// `ln a_t`.
    pub fn ln_shrink(&self) -> f64 {
        match self {
            Self::Coupled(step) => step.ln_shrink,
            Self::Decoupled(step) => step.ln_shrink,
        }
    }

    /// What scaled parameters are told in this step, of a run held at `2^{−total}` of its own scale, where the original is told
    /// `original`; `scale_ratio` is `a` of the step before.
    pub fn hyper(&self, original: GroupHyper, scale_ratio: f64, total: i64) -> GroupHyper {
        // η̃ = η/(A_t^k A_{t+1}) and not exp(ln η̃): the logarithm of a rate near 0.1 is rounded more
        // coarsely than those of scales near 1. The power of two changes no digit of it.
        let degree = self.degree();
        let [ln_scale, ln_scale_after] = self.ln_scales();
        let growth = exp_times_power_of_two(
            -(degree * ln_scale + ln_scale_after),
            (-(1.0 + degree) * total as f64) as i64,
        );
        let mut twin = GroupHyper {
            learning_rate: original.learning_rate * growth,
            weight_decay: 0.0,
            scale_ratio,
            ..original
        };
        match self {
            Self::Coupled(step) => twin.momentum = step.momentum,
            Self::Decoupled(step) => {
                let average = |keep, weight| MovingAverage { keep, weight };
                twin.momentum = step.memory(average(original.momentum, 1.0)).keep;
                if let Some(moments) = &mut twin.moments {
                    let second = average(moments.second_keep, moments.second_weight);
                    moments.second_keep = step.second_moment(second).keep;
                    moments.epsilon *= exp_times_power_of_two(ln_scale, total);
                }
            }
        }
        twin
    }

    /// The same step at another scale of the twin: `ln A` larger by `change`.
    #[must_use]
    pub(super) fn at_scale(mut self, change: f64) -> Self {
        let of_rate = (1.0 + self.degree()) * change;
        match &mut self {
            Self::Coupled(step) => {
                step.ln_scale += change;
                step.ln_scale_after += change;
                step.ln_learning_rate -= of_rate;
            }
            Self::Decoupled(step) => {
                step.ln_memory_scale += change;
                step.ln_scale += change;
                step.ln_scale_after += change;
                step.ln_learning_rate -= of_rate;
            }
        }
        self
    }
}
