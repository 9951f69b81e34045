//! The exact law in float64, on random recipes and random stochastic losses.

use proptest::test_runner::TestCaseError;

use super::pair::worse;
use super::property::property;
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::check::{Start, largest_distance};
use crate::law::exact::ConstantPhase;
use crate::law::texp::Texp;
use crate::strategies::{
    Loss, StochasticLoss, convertible_recipe, loss, piecewise_constant_recipe,
};
use crate::{EquivalentStep, ExactLaw, Hyperparameters, Recipe};

pub(super) const STEPS: u64 = 500;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "exact/free",
        words: "SGD with weight decay, and SGD without at the exact law's rate, visit the same directions for 500 steps",
        formula: "θ̃_t = θ_t/A_t,  η̃_t = η_t/(A_t A_{t+1})",
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| exact_law(settings, tolerance, Start::Free),
    },
    Statement {
        id: "exact/stepwise",
        words: "every single step of the exact law is the step of the original, to rounding",
        formula: "θ̃_{t+1} = θ_{t+1}/A_{t+1},  b̃_{t+1} = A_{t+1} (b_{t+1} − κ_t θ_{t+1})",
        source: OURS,
        tolerance: 1e-13,
        property: |settings, tolerance| exact_law(settings, tolerance, Start::Resynchronised),
    },
    Statement {
        id: "exact/initial-buffer",
        words: "the initial buffer coefficient is free",
        formula: "b̃_0 = b_0 − κ_{−1} θ_0",
        source: OURS,
        tolerance: 1e-13,
        property: initial_buffer,
    },
    Statement {
        id: "exact/zero-rate",
        words: "steps at a learning rate of 0 are steps of the law like any other, which do not move the parameters",
        formula: "η_t = 0:  a_t = 1,  η̃_t = 0,  κ_t = λ_t + γ_t κ_{t−1}",
        source: OURS,
        tolerance: 1e-13,
        property: zero_rate,
    },
    Statement {
        id: "texp/boundary-momentum",
        words: "TEXP is the exact law if both runs use the corrected momentum at each drop",
        formula: "γ_{T_I} κ*_I/κ*_{I−1}",
        source: OURS,
        tolerance: 1e-12,
        property: texp_boundary_momentum,
    },
];

/// A recipe's hyperparameters with their equivalents, the rate tampered with.
fn pairs(
    recipe: &Recipe,
    law: ExactLaw,
    tamper: Tamper,
) -> Result<Vec<(Hyperparameters, EquivalentStep)>, TestCaseError> {
    law.steps(recipe)
        .take(STEPS as usize)
        .map(|step| {
            let mut step = step?;
            // A_t² for A_tA_{t+1} is one ln a_t too many.
            let off = tamper.mistake(0.0, step.ln_shrink);
            step.ln_learning_rate += tamper.factor::<f64>().ln() + off;
            Ok((recipe.at(step.step), step))
        })
        .collect()
}

pub(super) fn distance(
    loss: &Loss,
    start: Start,
    pairs: Vec<(Hyperparameters, EquivalentStep)>,
) -> f64 {
    let gradient = |step: u64, parameters: &[f64]| loss.gradient(step, parameters);
    largest_distance(start, loss.initial_state(), gradient, pairs)
}

fn exact_law(settings: &Settings, tolerance: f64, start: Start) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        Ok(distance(
            &loss,
            start,
            pairs(&recipe, ExactLaw::new(), tamper)?,
        ))
    })
}

/// With the rate set to 0 in some steps of each eight, as a bit pattern says.
fn zero_rate(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), 1..255_u8);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, pattern), tamper| {
            let mut law = ExactLaw::new();
            let mut pairs = Vec::new();
            for step in 0..STEPS {
                let mut with = recipe.at(step);
                let rests = (pattern >> (step % 8)) & 1 == 1;
                if rests {
                    with.learning_rate = 0.0;
                }
                let mut twin = law.step(with)?;
                if rests && (twin.shrink, twin.learning_rate()) != (1.0, 0.0) {
                    return Ok(f64::INFINITY);
                }
                if rests {
                    let coefficient = twin.buffer_coefficient_after;
                    twin.buffer_coefficient_after =
                        tamper.mistake(coefficient, twin.buffer_coefficient);
                }
                twin.ln_learning_rate += tamper.factor::<f64>().ln();
                pairs.push((with, twin));
            }
            Ok(distance(&loss, Start::Resynchronised, pairs))
        },
    )
}

fn initial_buffer(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), -1.0..1.0);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, part), tamper| {
            // Up to κ* of the largest values, so that every a_t stays positive.
            let largest =
                ConstantPhase::new(largest_values(&recipe))?.stationary_buffer_coefficient();
            let law = ExactLaw::from_buffer_coefficient(part * largest)?;
            let pairs = pairs(&recipe, law, tamper)?;
            Ok(distance(&loss, Start::Resynchronised, pairs))
        },
    )
}

fn largest_values(recipe: &Recipe) -> Hyperparameters {
    let none = Hyperparameters {
        learning_rate: 0.0,
        weight_decay: 0.0,
        momentum: 0.0,
    };
    let largest = |so_far: Hyperparameters, here: Hyperparameters| Hyperparameters {
        learning_rate: here.learning_rate.max(so_far.learning_rate),
        weight_decay: here.weight_decay.max(so_far.weight_decay),
        momentum: here.momentum.max(so_far.momentum),
    };
    (0..STEPS).map(|step| recipe.at(step)).fold(none, largest)
}

fn texp_boundary_momentum(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = piecewise_constant_recipe(STEPS);
    property(settings, tolerance, cases, |recipe, tamper| {
        let texp = Texp::new(&recipe)?;
        let mut law = ExactLaw::from_buffer_coefficient(texp.at(0).buffer_coefficient)?;
        let mut largest = 0.0_f64;
        for step in 0..STEPS {
            let Some(momentum) = texp.boundary_momentum(step) else {
                return Err(TestCaseError::reject("no momentum in [0, 1) at a boundary"));
            };
            let momentum = tamper.mistake(momentum, recipe.at(step).momentum);
            let momentum = momentum * tamper.factor::<f64>();
            let exact = law.step(Hyperparameters {
                momentum,
                ..recipe.at(step)
            })?;
            let closed = texp.at(step);
            for (a, b) in [
                (exact.ln_learning_rate, closed.ln_learning_rate),
                (exact.ln_scale, closed.ln_scale),
                (exact.ln_scale_after, closed.ln_scale_after),
                (exact.ln_shrink, closed.ln_shrink),
            ] {
                largest = worse(largest, (a - b).abs() / (1.0 + a.abs()));
            }
            let (a, b) = (
                exact.buffer_coefficient_after,
                closed.buffer_coefficient_after,
            );
            largest = worse(largest, (a - b).abs() / a.abs().max(f64::MIN_POSITIVE));
        }
        Ok(largest)
    })
}
