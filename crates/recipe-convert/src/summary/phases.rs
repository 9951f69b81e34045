//! The phases of a piecewise constant recipe.

use schedule_core::Hyperparameters;
use schedule_core::equilibrium::Equilibrium;
use schedule_core::law::exact::ConstantPhase;

use super::{Summary, Warning, scale_power};
use crate::conversion::leader;
use crate::{Optimizer, RecipeFile, Target};

/// The growth of the twin's rate while the recipe is constant.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PhaseGrowth {
    /// First step.
    pub start: u64,
    /// How many steps it has within the training.
    pub steps: u64,
    /// The recipe in this phase.
    pub hyperparameters: Hyperparameters,
    /// `−2 ln α`, the growth of `ln η̃` in a step; `None` with complex roots, where it never settles, and for a
    /// twin that keeps a weight decay.
    pub ln_growth: Option<f64>,
    /// What the phase tends to; for SGD with weight decay.
    pub equilibrium: Option<PhaseEquilibrium>,
}

/// The equilibrium of a phase: [`Equilibrium`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PhaseEquilibrium {
    /// The steps in which the distance of `‖θ‖⁴` from it falls by a factor of e.
    pub time_constant: f64,
    /// The steps until `‖θ‖²` is within [`TOLERANCE`](Self::TOLERANCE) of it, from the equilibrium of the
    /// phase before; from √10 times it where there is none before.
    pub steps_needed: f64,
    /// `σ η/‖θ‖²`, `σ²` being the mean square of the gradient on the unit sphere.
    pub effective_rate: f64,
    /// By which angle, in radians, the parameters turn in a step.
    pub rotation: f64,
}

impl PhaseEquilibrium {
    /// How close to its equilibrium `‖θ‖²` is said to have reached it, relatively.
    pub const TOLERANCE: f64 = 2e-3;

    /// `before` is `‖θ‖²/σ` at the start.
    fn new(equilibrium: &Equilibrium, before: Option<f64>) -> Self {
        let start = before.map_or(10f64.sqrt(), |norm| norm / equilibrium.squared_norm(1.0));
        Self {
            time_constant: equilibrium.fourth_power_time_constant(),
            steps_needed: equilibrium.steps_to_equilibrium(start, Self::TOLERANCE),
            effective_rate: equilibrium.effective_learning_rate(1.0),
            rotation: equilibrium.rotation_per_step(),
        }
    }
}

/// The phases of a file's recipe, if there are not too many to be told.
pub(super) fn phases(file: &RecipeFile, target: Target) -> Vec<PhaseGrowth> {
    let leader = leader(file.groups()).and_then(|leader| file.groups().get(leader));
    let recipe = leader.map_or(file.recipe(), |group| &group.recipe);
    let mut phases = recipe.phases().unwrap_or_default();
    if let Some(group) = leader {
        for phase in &mut phases {
            phase.hyperparameters = group.scaled(phase.hyperparameters);
        }
    }
    phases.retain(|phase| phase.start < file.steps());
    if phases.len() > Summary::MOST_PHASES {
        return Vec::new();
    }
    let ends = phases.iter().skip(1).map(|phase| phase.start);
    let ends: Vec<u64> = ends.chain([file.steps()]).collect();
    let initial = file.recipe().at(0).learning_rate;
    let mut before = None;
    let phases = phases.into_iter().zip(ends).map(|(phase, end)| {
        let equilibrium = equilibrium(file, target, phase.hyperparameters, initial);
        let found = equilibrium.map(|found| PhaseEquilibrium::new(&found, before));
        before = equilibrium.map(|found| found.squared_norm(1.0));
        PhaseGrowth {
            start: phase.start,
            steps: end - phase.start,
            hyperparameters: phase.hyperparameters,
            ln_growth: growth(file, target, phase.hyperparameters),
            equilibrium: found.filter(|found| found.steps_needed.is_finite()),
        }
    });
    phases.collect()
}

fn growth(file: &RecipeFile, target: Target, with: Hyperparameters) -> Option<f64> {
    let optimizer = file.optimizer();
    if optimizer != Optimizer::Sgd {
        let product = with.learning_rate * with.weight_decay;
        return Some(-scale_power(optimizer) * (-product).ln_1p());
    }
    // What a kept decay takes away grows with the parameters.
    let constant = (!target.keeps_weight_decay()).then_some(with)?;
    Some(ConstantPhase::new(constant).ok()?.ln_growth())
}

/// The equilibrium of the recipe whose trajectory the twin has.
fn equilibrium(
    file: &RecipeFile,
    target: Target,
    with: Hyperparameters,
    initial: f64,
) -> Option<Equilibrium> {
    let product = with.learning_rate * with.weight_decay;
    if file.optimizer() != Optimizer::Sgd || product == 0.0 {
        return None;
    }
    let trained = match target {
        Target::TaperedNoDrop => Hyperparameters {
            learning_rate: initial,
            weight_decay: product / initial,
            ..with
        },
        _ => with,
    };
    Some(Equilibrium::new(ConstantPhase::new(trained).ok()?))
}

/// A warning for each phase that ends before its equilibrium.
pub(super) fn unsettled(phases: &[PhaseGrowth]) -> impl Iterator<Item = Warning> + '_ {
    phases.iter().filter_map(|phase| {
        let needed = phase.equilibrium?.steps_needed;
        (needed > phase.steps as f64).then_some(Warning::NoEquilibrium {
            step: phase.start,
            steps: phase.steps,
            needed,
        })
    })
}
