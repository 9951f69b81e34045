//! A conversion in numbers.

mod groups;
mod phases;
mod renormalisation;
mod words;

use schedule_core::renormalisation::FloatFormat;
use schedule_core::{Hyperparameter, Schedule};

use crate::conversion::{Converted, leader, rows, steps};
pub use groups::GroupSummary;
pub use phases::{PhaseEquilibrium, PhaseGrowth};
pub use renormalisation::RenormalisationPlan;

use phases::{phases, unsettled};
use renormalisation::Planner;

use crate::{NoConversion, Optimizer, RecipeFile, Row, Target};

/// The formats whose overflow is told, the smallest first; bfloat16 has the range of float32.
const FORMATS: [FloatFormat; 3] = [FloatFormat::F16, FloatFormat::F32, FloatFormat::F64];

/// The formats for which there is a plan.
const PLANNED: [FloatFormat; 2] = [FloatFormat::F32, FloatFormat::F16];

/// What a conversion comes to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// What the recipe is converted to.
    pub target: Target,
    /// The recipe's optimiser.
    pub optimizer: Optimizer,
    /// Steps of the training.
    pub steps: u64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// What becomes of each parameter group; none where there is only one, without a name. All else that is
    /// of one group is of the first whose exponent is not 0.
    pub groups: Vec<GroupSummary>,
    /// `ln η̃` of the first step.
    pub ln_lr_exp_first: f64,
    /// `ln η̃` of the last step; −∞ where the recipe's rate is 0.
    pub ln_lr_exp_last: f64,
    /// `ln A` after the last step.
    pub ln_scale_last: f64,
    /// The phases of a piecewise constant recipe within the training, if there are at most
    /// [`MOST_PHASES`](Self::MOST_PHASES); else none.
    pub phases: Vec<PhaseGrowth>,
    /// For each format the first step whose rate is above its largest number.
    pub overflows: [(FloatFormat, Option<u64>); 3],
    /// How it can be kept in a format; for SGD with the rate outside the momentum buffer and
    /// without groups.
    pub renormalisation: Vec<RenormalisationPlan>,
    /// By how much the last `ln η̃` is above that of the exact law; `None` for the exact law itself,
    /// and where the rate is 0 or that law has no answer.
    pub above_exact: Option<f64>,
    /// What to look at.
    pub warnings: Vec<Warning>,
}

impl Summary {
    /// More phases than these are a curve.
    pub const MOST_PHASES: usize = 12;

    /// Mean growth of `ln η̃` in a step that comes from weight decay: `−2 ln A_T / T`, and half of it for
    /// AdamW.
    #[must_use]
    pub fn mean_ln_growth(&self) -> f64 {
        -scale_power(self.optimizer) * self.ln_scale_last / self.steps as f64
    }
}

/// Something about a conversion that a user should know.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A step takes most of the parameters away.
    SmallShrink {
        /// The step with the smallest.
        step: u64,
        /// Its `a_t`.
        shrink: f64,
    },
    /// Held constant from some step on, the recipe would have no conversion.
    ComplexRoots {
        /// The first such step.
        step: u64,
        /// `ηλ` there.
        product: f64,
        /// `(1 − √γ)²` there.
        limit: f64,
    },
    /// The twin's momentum is 1 or more, as it can be with the rate inside the buffer.
    MomentumNotBelowOne {
        /// The step with the largest.
        step: u64,
        /// Its `γ̃'_t`.
        momentum: f64,
    },
    /// A phase ends before its equilibrium is reached.
    NoEquilibrium {
        /// Its first step.
        step: u64,
        /// How many steps it has.
        steps: u64,
        /// How many it takes.
        needed: f64,
    },
    /// The training ends with steps that do nothing.
    ZeroRates {
        /// The first of them.
        step: u64,
    },
    /// A table has fewer values than the training has steps.
    ShortTable {
        /// What it is for.
        hyperparameter: Hyperparameter,
        /// How many values it has.
        values: u64,
    },
}

/// The power of the scale by which the twin's rate is divided: 1, and the degree of the optimiser's update.
fn scale_power(optimizer: Optimizer) -> f64 {
    match optimizer {
        Optimizer::Sgd | Optimizer::Sgdw => 2.0,
        Optimizer::AdamW => 1.0,
    }
}

/// Below this, `a_t` is called small: such a step is more decay than training.
const SMALL_SHRINK: f64 = 0.1;

/// Goes along with a conversion.
pub(crate) struct Observer {
    overflows: [(FloatFormat, Option<u64>); 3],
    smallest_shrink: (u64, f64),
    /// Of those that are 1 or more.
    largest_momentum: Option<(u64, f64)>,
    complex_roots: Option<Warning>,
    zero_since: Option<u64>,
    planners: Vec<Planner>,
    /// Whether every step was one that can be planned for.
    planned: bool,
}

impl Observer {
    /// Converts every step of a recipe.
    pub(crate) fn summarise(file: &RecipeFile, target: Target) -> Result<Summary, NoConversion> {
        let mut observer = Self {
            overflows: FORMATS.map(|format| (format, None)),
            smallest_shrink: (0, f64::INFINITY),
            largest_momentum: None,
            complex_roots: None,
            zero_since: None,
            planners: PLANNED.into_iter().flat_map(Planner::new).collect(),
            planned: true,
        };
        let mut twin = steps(file, target)?;
        let mut of_groups = Vec::new();
        let mut ends: Option<(f64, Converted)> = None;
        for (_, converted) in (0..rows(file)).zip(&mut twin) {
            let converted = converted?;
            observer.see(&converted);
            groups::see(&mut of_groups, file, &converted);
            if converted.row.group != leader(file.groups()) {
                continue;
            }
            let first = ends.map_or(converted.row.ln_lr_exp, |(first, _)| first);
            ends = Some((first, converted));
        }
        let (ln_lr_exp_first, last) =
            ends.map_or((f64::NAN, None), |(first, last)| (first, Some(last)));
        let ln_lr_exp_last = last.map_or(f64::NAN, |last| last.row.ln_lr_exp);
        let phases = phases(file, target);
        Ok(Summary {
            target,
            optimizer: file.optimizer(),
            steps: file.steps(),
            steps_per_epoch: file.steps_per_epoch(),
            ln_lr_exp_first,
            ln_lr_exp_last,
            ln_scale_last: last.map_or(f64::NAN, |last| last.ln_scale_after),
            overflows: observer.overflows,
            renormalisation: observer.plans(),
            groups: of_groups,
            above_exact: (!target.is_exact())
                .then(|| exact_last(file))
                .flatten()
                .map(|exact| ln_lr_exp_last - exact)
                .filter(|above| above.is_finite()),
            warnings: observer
                .warnings(file, target)
                .into_iter()
                .chain(unsettled(&phases))
                .collect(),
            phases,
        })
    }

    fn see(&mut self, converted: &Converted) {
        let Converted { row, shrink, .. } = *converted;
        let Row { step, recipe, .. } = row;
        self.planned &= converted.equivalent.is_some();
        for planner in &mut self.planners {
            if let Some(equivalent) = &converted.equivalent {
                planner.see(equivalent);
            }
        }
        for (format, overflow) in &mut self.overflows {
            if overflow.is_none() && row.ln_lr_exp > format.largest().ln() {
                *overflow = Some(step);
            }
        }
        if shrink < self.smallest_shrink.1 {
            self.smallest_shrink = (step, shrink);
        }
        if row.momentum_exp >= 1.0
            && self
                .largest_momentum
                .is_none_or(|(_, old)| row.momentum_exp > old)
        {
            self.largest_momentum = Some((step, row.momentum_exp));
        }
        let product = recipe.learning_rate * recipe.weight_decay;
        let limit = ((1.0 - recipe.momentum) / (1.0 + recipe.momentum.sqrt())).powi(2);
        if self.complex_roots.is_none() && product > limit {
            self.complex_roots = Some(Warning::ComplexRoots {
                step,
                product,
                limit,
            });
        }
        self.zero_since = match self.zero_since {
            _ if recipe.learning_rate > 0.0 => None,
            None => Some(step),
            since => since,
        };
    }

    fn plans(&self) -> Vec<RenormalisationPlan> {
        let planners = self.planners.iter().filter(|_| self.planned);
        planners.map(Planner::plan).collect()
    }

    fn warnings(&self, file: &RecipeFile, target: Target) -> Vec<Warning> {
        let (step, shrink) = self.smallest_shrink;
        let small = (shrink < SMALL_SHRINK).then_some(Warning::SmallShrink { step, shrink });
        // Decoupled decay has no roots, and one that is kept is not the twin's to take over.
        let complex_roots = self
            .complex_roots
            .filter(|_| file.optimizer() == Optimizer::Sgd && !target.keeps_weight_decay());
        let zero = self.zero_since.map(|step| Warning::ZeroRates { step });
        let short = Hyperparameter::ALL
            .into_iter()
            .filter_map(|hyperparameter| {
                let Schedule::Tabulated(table) = file.recipe().schedule(hyperparameter) else {
                    return None;
                };
                let values = table.values().len() as u64;
                (values < file.steps()).then_some(Warning::ShortTable {
                    hyperparameter,
                    values,
                })
            });
        let momentum = self.largest_momentum;
        let momentum =
            momentum.map(|(step, momentum)| Warning::MomentumNotBelowOne { step, momentum });
        [small, momentum, complex_roots, zero]
            .into_iter()
            .flatten()
            .chain(short)
            .collect()
    }
}

/// The last `ln η̃` of the exact law.
fn exact_last(file: &RecipeFile) -> Option<f64> {
    let twin = steps(file, Target::WdFree).ok()?;
    let mut last = None;
    for (_, converted) in (0..rows(file)).zip(twin) {
        last = Some(converted.ok()?.row.ln_lr_exp);
    }
    last
}
