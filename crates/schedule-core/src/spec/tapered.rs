//! TEXP with buffer shifts, TEXP−−, and constant exponents.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::exact::STEPS;
use super::field_twins::FieldTwins;
use super::pair::worse;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::check::{Start, Twins};
use crate::field::{Field, Gf61};
use crate::law::exact::ConstantPhase;
use crate::law::texp::{ExponentialRate, Texp};
use crate::recurrence::{buffer_shift, stationary_decay_product};
use crate::strategies::{
    Loss, StochasticLoss, exact_rayleigh_quotient, gf61, loss, piecewise_constant_recipe,
};
use crate::{ExactLaw, Hyperparameters, Recipe, Schedule};

const LI_ARORA: &str = "Li & Arora, arXiv:1910.07454; texp";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "texp/rule",
        words: "TEXP grows by the root of each phase, and falls with the rate at each drop",
        formula: "η̃_0 = η_0/α_0,  η̃_t = η̃_{t−1} α_I⁻²,  at T_I: η̃_t = η̃_{t−1} (η_I/η_{I−1}) α_I⁻¹ α_{I−1}⁻¹",
        source: "Li & Arora, arXiv:1910.07454, definition of TEXP",
        tolerance: 1e-12,
        property: rule,
    },
    Statement {
        id: "texp/buffer-shift",
        words: "every single step of TEXP is the step of the recipe, with the recipe's momentum, if the buffer is shifted at each drop",
        formula: "b̃ += A² (κ*_{I−1} − κ*_I) θ̃  at T_I",
        source: OURS,
        tolerance: 1e-13,
        property: texp_buffer_shift,
    },
    Statement {
        id: "texp/no-drop",
        words: "every single step of TEXP−−, which leaves out the drops, is the step of the recipe that drops its weight decay and not its rate, if both use the corrected momentum",
        formula: "η_I → η_0,  λ_I → λη_I/η_0,  γ_{T_I} = γ (1/α_I − 1)/(1/α_{I−1} − 1)",
        source: LI_ARORA,
        tolerance: 1e-13,
        property: no_drop,
    },
    Statement {
        id: "texp/no-drop-schedule",
        words: "TEXP of the recipe at constant rate is the paper's TEXP without the factor η_I/η_{I−1}",
        formula: "η̃_t = η̃_{t−1} α_I⁻¹ α_{I−1}⁻¹  at T_I",
        source: LI_ARORA,
        tolerance: 1e-12,
        property: no_drop_schedule,
    },
    Statement {
        id: "exponential/constant",
        words: "from the stationary buffer, constant hyperparameters are a constant exponent",
        formula: "ln η̃_t = ln(η/α) − 2t ln α",
        source: "Li & Arora, arXiv:1910.07454, theorem on constant hyperparameters",
        tolerance: 1e-12,
        property: exponential,
    },
    Statement {
        id: "field/texp-momentum",
        words: "TEXP with the corrected momentum is an identity of rational numbers",
        formula: "γ_{T_I} = γ κ*_I/κ*_{I−1}  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: |settings, tolerance| {
            field_texp(settings, tolerance, Boundary::Momentum, Rates::Any)
        },
    },
    Statement {
        id: "field/texp-shift",
        words: "TEXP with buffer shifts is an identity of rational numbers",
        formula: "b̃ += A² (κ*_{I−1} − κ*_I) θ̃  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: |settings, tolerance| {
            field_texp(settings, tolerance, Boundary::Shift, Rates::Any)
        },
    },
    Statement {
        id: "field/texp-no-drop",
        words: "TEXP−− with the corrected momentum is an identity of rational numbers",
        formula: "γ_{T_I} = γ (1/α_I − 1)/(1/α_{I−1} − 1)  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: |settings, tolerance| {
            field_texp(settings, tolerance, Boundary::Momentum, Rates::Constant)
        },
    },
];

/// How TEXP is made exact at a boundary.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Boundary {
    Momentum,
    Shift,
}

/// The largest distance of a recipe and its TEXP, step by step.
fn texp_distance(
    recipe: &Recipe,
    loss: &Loss,
    boundary: Boundary,
    tamper: Tamper,
) -> Result<f64, TestCaseError> {
    let texp = Texp::new(recipe)?;
    let mut twins = Twins::new(loss.initial_state(), Start::Resynchronised);
    let mut largest = 0.0_f64;
    for step in 0..STEPS {
        let mut with = recipe.at(step);
        let mut equivalent = texp.at(step);
        match boundary {
            Boundary::Shift => {
                equivalent.ln_learning_rate += tamper.factor::<f64>().ln();
                if let Some(mut shift) = texp.buffer_shift(step) {
                    let new = shift.buffer_coefficient_after;
                    equivalent.buffer_coefficient = new;
                    shift.buffer_coefficient_after = tamper.mistake(new, shift.buffer_coefficient);
                    twins.shift(&shift);
                }
            }
            Boundary::Momentum => {
                let corrected = texp.boundary_momentum(step);
                let Some(momentum) = corrected else {
                    return Err(TestCaseError::reject("no momentum in [0, 1) at a boundary"));
                };
                let of_twin = tamper.mistake(momentum, with.momentum);
                with.momentum = momentum;
                equivalent.momentum = of_twin * tamper.factor::<f64>();
            }
        }
        let distance = twins.step(|p| loss.gradient(step, p), with, &equivalent);
        if distance.is_nan() {
            return Ok(distance);
        }
        largest = worse(largest, distance);
    }
    Ok(largest)
}

fn rule(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = piecewise_constant_recipe(STEPS);
    property(settings, tolerance, cases, |recipe, tamper| {
        let texp = Texp::new(&recipe)?;
        let mut before: Option<ConstantPhase> = None;
        let (mut ln_rate, mut largest) = (f64::NAN, 0.0_f64);
        for step in 0..STEPS {
            let phase = ConstantPhase::new(recipe.at(step))?;
            let ln_root = phase.ln_root() * tamper.factor::<f64>();
            let ln = |phase: &ConstantPhase| phase.hyperparameters().learning_rate.ln();
            ln_rate = match &before {
                None => ln(&phase) - ln_root,
                Some(before) => {
                    let of_last = tamper.mistake(before.ln_root(), ln_root);
                    ln_rate + (ln(&phase) - ln(before)) - ln_root - of_last
                }
            };
            let off = (texp.ln_learning_rate(step) - ln_rate).abs() / (1.0 + ln_rate.abs());
            largest = worse(largest, off);
            before = Some(phase);
        }
        Ok(largest)
    })
}

fn texp_buffer_shift(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (piecewise_constant_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        texp_distance(&recipe, &loss, Boundary::Shift, tamper)
    })
}

fn no_drop(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (piecewise_constant_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        let recipe = recipe.with_constant_rate()?;
        texp_distance(&recipe, &loss, Boundary::Momentum, tamper)
    })
}

fn no_drop_schedule(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = piecewise_constant_recipe(STEPS);
    property(settings, tolerance, cases, |recipe, tamper| {
        let texp = Texp::new(&recipe)?;
        let no_drop = Texp::new(&recipe.with_constant_rate()?)?;
        let mut before = texp.at(0);
        let mut ln_rate = texp.ln_learning_rate(0);
        let mut largest = (no_drop.ln_learning_rate(0) - ln_rate).abs();
        for step in 1..STEPS {
            let here = texp.at(step);
            let of_last = tamper.mistake(before.ln_shrink, here.ln_shrink);
            ln_rate -= (here.ln_shrink + of_last) * tamper.factor::<f64>();
            let off = (no_drop.ln_learning_rate(step) - ln_rate).abs();
            largest = worse(largest, off / (1.0 + ln_rate.abs()));
            let ratio = (-here.ln_shrink).exp_m1() / (-before.ln_shrink).exp_m1();
            let momentum = recipe.at(step).momentum;
            let expected = momentum * ratio;
            let off = match no_drop.boundary_momentum(step) {
                Some(corrected) => (corrected - expected).abs() / (1.0 + ratio),
                // No momentum below 1 will do.
                None if expected >= 1.0 - 1e-9 => 0.0,
                None => f64::INFINITY,
            };
            largest = worse(largest, off);
            before = here;
        }
        Ok(largest)
    })
}

fn exponential(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = piecewise_constant_recipe(STEPS);
    property(settings, tolerance, cases, |recipe, tamper| {
        let with = recipe.at(0);
        let phase = ConstantPhase::new(with)?;
        let initial = Schedule::constant(with.learning_rate / phase.root())?;
        let growth = phase.ln_growth() * tamper.factor::<f64>();
        let closed = ExponentialRate::new(initial, growth)?;
        let coefficient = phase.stationary_buffer_coefficient();
        let mut law = ExactLaw::from_buffer_coefficient(tamper.mistake(coefficient, 0.0))?;
        let mut largest = 0.0_f64;
        for step in 0..STEPS {
            let exact = law.step(with)?.ln_learning_rate;
            let off = (exact - closed.ln_learning_rate(step)).abs();
            largest = worse(largest, off / (1.0 + exact.abs()));
        }
        Ok(largest)
    })
}

/// Whether the phases have rates of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rates {
    Any,
    Constant,
}

/// A phase in a prime field; its weight decay is what makes `root` a root.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldPhase {
    pub(super) steps: usize,
    pub(super) learning_rate: Gf61,
    pub(super) root: Gf61,
}

impl FieldPhase {
    /// `1/α − 1 = κ* η`.
    pub(super) fn held(&self) -> Gf61 {
        Gf61::ONE / self.root - Gf61::ONE
    }
}

pub(super) fn field_phases(rates: Rates) -> impl Strategy<Value = Vec<FieldPhase>> {
    let phase = (1..20_usize, gf61(), gf61()).prop_map(|(steps, learning_rate, root)| FieldPhase {
        steps,
        learning_rate,
        root,
    });
    (vec(phase, 1..8), gf61()).prop_map(move |(mut phases, rate)| {
        if rates == Rates::Constant {
            phases
                .iter_mut()
                .for_each(|phase| phase.learning_rate = rate);
        }
        phases
    })
}

fn field_texp(settings: &Settings, tolerance: f64, boundary: Boundary, rates: Rates) -> Outcome {
    let cases = (field_phases(rates), gf61(), exact_rayleigh_quotient());
    property(
        settings,
        tolerance,
        cases,
        |(phases, momentum, loss), tamper| {
            let first = phases
                .first()
                .map_or(Gf61::ZERO, |phase| phase.held() / phase.learning_rate);
            let mut twins = FieldTwins::new(&loss, first);
            let mut before: Option<FieldPhase> = None;
            let mut left = settings.field_steps as usize;
            for phase in phases.iter().cycle() {
                if left == 0 {
                    break;
                }
                let stationary_coefficient = phase.held() / phase.learning_rate;
                let mut corrected = momentum;
                match (boundary, before) {
                    (Boundary::Shift, _) => {
                        let factor =
                            buffer_shift(twins.scale, twins.coefficient, stationary_coefficient);
                        let factor = tamper.mistake(factor, Gf61::ZERO);
                        twins.shift(factor, stationary_coefficient);
                    }
                    (Boundary::Momentum, Some(before)) => {
                        let right = match rates {
                            Rates::Any => momentum * stationary_coefficient / twins.coefficient,
                            Rates::Constant => momentum * phase.held() / before.held(),
                        };
                        corrected = tamper.mistake(right, momentum);
                    }
                    (Boundary::Momentum, None) => {}
                }
                for _ in 0..phase.steps.min(left) {
                    let with = Hyperparameters {
                        learning_rate: phase.learning_rate,
                        weight_decay: stationary_decay_product(momentum, phase.held())
                            / phase.learning_rate,
                        momentum: corrected,
                    };
                    let scales = twins.scale * phase.root * twins.scale;
                    let twin = Hyperparameters {
                        learning_rate: phase.learning_rate / scales * tamper.factor(),
                        weight_decay: Gf61::ZERO,
                        momentum: corrected,
                    };
                    if !twins.step(with, twin, phase.root, stationary_coefficient) {
                        return Ok(exact(&false, &true));
                    }
                    corrected = momentum;
                }
                left = left.saturating_sub(phase.steps);
                before = Some(*phase);
            }
            Ok(0.0)
        },
    )
}
