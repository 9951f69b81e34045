//! Numbers that the paper, or a calculation of many digits, gives.

use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use super::property::property;
use super::{Outcome, Settings, Statement};
use crate::companions::ExponentialAverage;
use crate::equilibrium::Equilibrium;
use crate::law::exact::ConstantPhase;
use crate::law::texp::Texp;
use crate::{ExactAccess, ExactLaw, Hyperparameters, Recipe, Schedule};

pub(super) const STATEMENTS: &[Statement] = &[Statement {
    id: "known/standard-recipe",
    words: "the numbers of the paper's recipe: rate 0.1, divided by 10 after 80 and 120 of 200 epochs of 391 steps, decay 5e-4, momentum 0.9",
    formula: "α = 0.99949772836789,  α^{−782} = 1.48123,  final ln η̃ = 26.399805 (TEXP), 26.390698 (exact)",
    source: "Li & Arora, arXiv:1910.07454, figure 1; texp",
    // In units of the last digit that is given.
    tolerance: 0.501,
    property: standard_recipe,
}];

/// A number of the recipe's.
#[derive(Clone, Copy, Debug)]
enum Known {
    /// `α` in the first phase.
    Root,
    /// `α^{−782}`, the growth in an epoch.
    GrowthPerEpoch,
    /// `ln η̃` of TEXP in the last step.
    LastOfTexp,
    /// `ln η̃` of the exact law in the last step.
    LastOfExact,
    /// By how much the two differ at the end of the first phase.
    Start,
    /// The change of that in the second phase.
    FirstDrop,
    /// The decay of the first step, in units of the recipe's, that makes TEXP exact from an equal buffer.
    FirstDecay,
    /// At equilibrium, the error of correcting the momentum at the first drop in the twin alone, in units
    /// of that of correcting none.
    OneSided,
    /// The step at which the exact law ends at momentum 0.99.
    ComplexEnd,
    /// The steps that a plain average of decay 0.9999 remembers.
    PlainAverage,
    /// The step at which `η̃` leaves float32 if the first phase goes on.
    RateOverflows,
    /// The step after which `A_t⁻⁴` does: variances at inputs of degree 2.
    VarianceOverflows,
}

/// Each with its value, and one in the last digit of that. The first two in 40 digits:
/// 0.99949772836789184806, 1.48123335628711948444.
const ALL: [(Known, f64, f64); 12] = [
    (Known::Root, 0.999_497_728_367_891_9, 2e-16),
    (Known::GrowthPerEpoch, 1.481_233_356_287_119_5, 2e-15),
    (Known::LastOfTexp, 26.399_805, 1e-6),
    (Known::LastOfExact, 26.390_698, 1e-6),
    (Known::Start, -0.009_1, 1e-4),
    (Known::FirstDrop, 4e-6, 1e-6),
    (Known::FirstDecay, 10.045, 1e-3),
    (Known::OneSided, 14.4, 0.1),
    (Known::ComplexEnd, 471.0, 1.0),
    (Known::PlainAverage, 1_660.0, 10.0),
    (Known::RateOverflows, 90_600.0, 1.0),
    (Known::VarianceOverflows, 44_158.0, 1.0),
];

const FIRST: Hyperparameters = Hyperparameters {
    learning_rate: 0.1,
    weight_decay: 5e-4,
    momentum: 0.9,
};
const STEPS_PER_EPOCH: u64 = 391;
const DROPS: [u64; 2] = [80 * STEPS_PER_EPOCH, 120 * STEPS_PER_EPOCH];
const LAST: u64 = 200 * STEPS_PER_EPOCH - 1;

fn recipe(rate: Schedule) -> Result<Recipe, TestCaseError> {
    let decay = Schedule::constant(FIRST.weight_decay)?;
    Ok(Recipe::new(
        rate,
        decay,
        Schedule::constant(FIRST.momentum)?,
    )?)
}

/// The first step of which it holds, if it goes on to hold.
fn first_step(holds: impl Fn(u64) -> bool) -> f64 {
    let (mut before, mut at) = (0, 1 << 20);
    while at - before > 1 {
        let middle = (before + at) / 2;
        if holds(middle) {
            at = middle;
        } else {
            before = middle;
        }
    }
    at as f64
}

impl Known {
    fn found(self) -> Result<f64, TestCaseError> {
        let phase = ConstantPhase::new(FIRST)?;
        let recipe_of_paper = recipe(Schedule::step_decay(0.1, 0.1, &DROPS)?)?;
        let texp = Texp::new(&recipe_of_paper)?;
        let exact = ExactAccess::new(&recipe_of_paper, 0.0)?;
        let off = |step| exact.at(step).ln_learning_rate - texp.ln_learning_rate(step);
        let endless = ExactAccess::new(&recipe(Schedule::constant(0.1)?)?, 0.0)?;
        let overflows = |ln_value: f64| ln_value > f64::from(f32::MAX).ln();
        Ok(match self {
            Self::Root => phase.root(),
            Self::GrowthPerEpoch => (STEPS_PER_EPOCH as f64 * phase.ln_growth()).exp(),
            Self::LastOfTexp => texp.ln_learning_rate(LAST),
            Self::LastOfExact => exact.at(LAST).ln_learning_rate,
            Self::Start => off(DROPS[0] - 1),
            Self::FirstDrop => off(DROPS[1] - 1) - off(DROPS[0] - 1),
            Self::FirstDecay => phase.one_minus_root() / (FIRST.learning_rate * FIRST.weight_decay),
            Self::OneSided => {
                let held = FIRST.learning_rate * phase.stationary_buffer_coefficient();
                Equilibrium::new(phase).rotation_per_step() / held
            }
            Self::ComplexEnd => {
                let slow = Hyperparameters {
                    momentum: 0.99,
                    ..FIRST
                };
                let mut law = ExactLaw::new();
                (0..1_000).take_while(|_| law.step(slow).is_ok()).count() as f64
            }
            Self::PlainAverage => {
                ExponentialAverage { decay: 0.9999 }.memory_in_steps(phase.ln_root())
            }
            Self::RateOverflows => first_step(|step| overflows(endless.at(step).ln_learning_rate)),
            Self::VarianceOverflows => {
                first_step(|step| overflows(-4.0 * endless.at(step).ln_scale_after))
            }
        })
    }
}

fn standard_recipe(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = select(&ALL[..]);
    property(
        settings,
        tolerance,
        cases,
        |(known, expected, digit), tamper| {
            Ok((known.found()? * tamper.factor::<f64>() - expected).abs() / digit)
        },
    )
}
