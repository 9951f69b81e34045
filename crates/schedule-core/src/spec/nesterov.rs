//! Nesterov's look-ahead.

use proptest::collection::vec;
use proptest::prelude::*;

use super::pair::{Pair, distance, gradient_size, relative, worse};
use super::prime_field::hyperparameters;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement};
use crate::Hyperparameters;
use crate::check::Start;
use crate::field::{Field, Gf61, norm, scaled};
use crate::law::nesterov::{NesterovError, NesterovForm, NesterovLaw};
use crate::optimiser::{NesterovHyperparameters, NesterovState};
use crate::recurrence::{nesterov, nesterov_twin};
use crate::strategies::{StochasticLoss, convertible_recipe, exact_rayleigh_quotient, gf61, loss};

const STEPS: u64 = 300;

const DAMPENED: &str =
    "η̃ = η/(A_tA_{t+1}w),  γ̃ = ν̃ = γxw,  δ̃ = xπ(δ + κ_tη(1 + γδ)),  x = 1/√(πw),  π' = xπ/a";
const SEPARATE: &str =
    "η̃ = η/(A_tA_{t+1}w),  δ̃ = 1,  ν̃ = νv,  γ̃ = γwp'/p,  p' = A_t/v,  v = δ + κ_tη(1 + νδ)";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "nesterov/dampened-free",
        words: "PyTorch's Nesterov with weight decay, and a dampened one without, visit the same directions for 300 steps",
        formula: DAMPENED,
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| {
            let form = NesterovForm::FreeDampening;
            in_float64(settings, tolerance, form, Start::Free)
        },
    },
    Statement {
        id: "nesterov/dampened",
        words: "every single step of Nesterov SGD is a dampened one without weight decay",
        formula: DAMPENED,
        source: OURS,
        tolerance: 1e-13,
        property: |settings, tolerance| {
            let form = NesterovForm::FreeDampening;
            in_float64(settings, tolerance, form, Start::Resynchronised)
        },
    },
    Statement {
        id: "nesterov/separate-free",
        words: "Nesterov with weight decay, and one without whose look-ahead is its own, visit the same directions for 300 steps",
        formula: SEPARATE,
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| {
            let form = NesterovForm::SeparateLookahead;
            in_float64(settings, tolerance, form, Start::Free)
        },
    },
    Statement {
        id: "nesterov/separate",
        words: "every single step of Nesterov SGD is one without weight decay whose look-ahead is its own",
        formula: SEPARATE,
        source: OURS,
        tolerance: 1e-13,
        property: |settings, tolerance| {
            let form = NesterovForm::SeparateLookahead;
            in_float64(settings, tolerance, form, Start::Resynchronised)
        },
    },
    Statement {
        id: "nesterov/not-closed",
        words: "no rates and momenta make two steps of PyTorch's Nesterov with weight decay two steps of it without: the direction of the first leaves no choice of them, and that of the second asks for another weight of the old buffer in the new one; a separate look-ahead has it",
        formula: "γ̃_0 = γ_0 by the first step, γ_0 w_0/v_0 = γ_0 (1 − κ_0η_0/v_0) by the second",
        source: OURS,
        tolerance: 1e-9,
        property: not_closed,
    },
    Statement {
        id: "field/nesterov",
        words: "the law of Nesterov SGD is an identity of rational numbers, for any scale of the buffer",
        formula: "γ̃ = γwa_{t−1}σ_{t+1}/σ_t,  δ̃ = vσ_{t+1},  ν̃ = ν/σ_{t+1},  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: any_gauge,
    },
    Statement {
        id: "field/nesterov-separate",
        words: "the form with a separate look-ahead is rational too, and its gradient weight is 1",
        formula: "σ_{t+1} = 1/v,  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: separate_lookahead,
    },
];

fn in_float64(settings: &Settings, tolerance: f64, form: NesterovForm, start: Start) -> Outcome {
    let own = (0.25..1.0, 0.0..1.0).prop_map(Some);
    // A look-ahead that is the momentum, as in PyTorch, or a weight and look-ahead of its own.
    let weights = match form {
        NesterovForm::SeparateLookahead => prop_oneof![Just(None), own].boxed(),
        NesterovForm::FreeDampening | NesterovForm::PyTorch => Just(None).boxed(),
    };
    // Of the weight decay at step 0, or none.
    let held = prop_oneof![Just(0.0), 0.0..1.0];
    let cases = (convertible_recipe(STEPS), loss(), weights, held);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, weights, held), tamper| {
            let state = loss.initial_state();
            let initial = NesterovState {
                parameters: state.parameters,
                buffer: state.buffer,
            };
            let mut pair = Pair::new(start, initial);
            let held = held * recipe.at(0).weight_decay;
            let mut law = NesterovLaw::from_buffer_coefficient(form, held)?;
            let mut largest = 0.0;
            for t in 0..STEPS {
                let mut with = NesterovHyperparameters::pytorch(recipe.at(t));
                if let Some((gradient_weight, lookahead)) = weights {
                    with = NesterovHyperparameters {
                        gradient_weight,
                        lookahead,
                        ..with
                    };
                }
                let mut step = law.step(with)?;
                let growth = step.buffer_coefficient_after * with.learning_rate * with.lookahead;
                step.ln_learning_rate += tamper.factor::<f64>().ln();
                step.ln_learning_rate += tamper.mistake(0.0, growth.ln_1p());
                let gradient = |p: &[f64]| loss.gradient(t, p);
                let (scale, coefficient) = (step.ln_scale.exp(), step.buffer_coefficient);
                let around = pair.step(
                    |state| state.equivalent(scale, step.ln_buffer_scale.exp(), coefficient),
                    |state| state.stepped(gradient, with),
                    |state| state.stepped(gradient, step.hyperparameters()),
                );
                let coefficient = step.buffer_coefficient_after;
                let buffer_scale = step.ln_buffer_scale_after.exp();
                let scale = step.ln_scale_after.exp();
                let image = around.after.equivalent(scale, buffer_scale, coefficient);
                let before = &around.before.parameters;
                let terms = with.momentum * norm(&around.before.buffer)
                    + gradient_size(&gradient(before), before)
                    + (with.weight_decay + coefficient.abs()) * norm(before);
                let buffer = distance(&around.twin.buffer, &image.buffer, buffer_scale * terms);
                let parameters = relative(&around.twin.parameters, &image.parameters);
                largest = worse(largest, worse(parameters, buffer));
            }
            Ok(largest)
        },
    )
}

/// Hyperparameters that change from step to step, so that the statement does not hang on their being
/// constant: momentum, rate, and how much of the largest `λη` with real roots there is.
fn two_steps() -> impl Strategy<Value = [Hyperparameters; 2]> {
    let one = (0.3..0.95, 0.01..1.0, 0.05..0.5).prop_map(
        |(momentum, learning_rate, part): (f64, f64, f64)| Hyperparameters {
            learning_rate,
            weight_decay: part * (1.0 - momentum.sqrt()).powi(2) / learning_rate,
            momentum,
        },
    );
    [one.clone(), one]
}

/// Along `θ_0`, `b_0` and the gradients of both steps, any of which may be any vector.
fn not_closed(settings: &Settings, tolerance: f64) -> Outcome {
    property(settings, tolerance, two_steps(), |steps, tamper| {
        let axis = |index: usize, length: f64| -> Vec<f64> {
            (0..4)
                .map(|i| if i == index { length } else { 0.0 })
                .collect()
        };
        let start = NesterovState {
            parameters: axis(0, 1.0),
            buffer: axis(1, 1.0),
        };
        let [first, second] = steps.map(NesterovHyperparameters::pytorch);
        let once = start.stepped(|_| axis(2, 1.0), first);
        let twice = once.stepped(|_| axis(3, 1.0), second);
        // All that counts of a run on a scale-invariant loss.
        let direction = |state: &NesterovState| -> Vec<f64> {
            scaled(&state.parameters, 1.0 / state.parameters[0])
        };
        let (after_one, after_two) = (direction(&once), direction(&twice));

        // A step without decay moves it by −η̃(1 + γ̃) g − η̃γ̃² b, which determines both.
        let ratio = after_one[1] / after_one[2];
        let momentum = 0.5 * (ratio + (ratio * ratio + 4.0 * ratio).sqrt());
        let mut largest = (momentum / first.momentum - 1.0).abs();
        // Now b̃ = γ̃b + g, and whatever the second step's rate and momentum, it moves by a multiple of that.
        let asked = (after_two[1] - after_one[1]) / (after_two[2] - after_one[2]);
        let law = nesterov(first, 0.0);
        let gap = law.buffer_coefficient * first.learning_rate / law.gradient_weight;
        let expected = 1.0 - tamper.mistake(gap, 0.0);
        let found = asked / momentum * tamper.factor::<f64>();
        largest = worse(largest, (found - expected).abs() / gap);

        let refused = NesterovLaw::new(NesterovForm::PyTorch).step(first);
        if !matches!(refused, Err(NesterovError::PyTorchFormNotClosed { .. })) {
            return Ok(f64::INFINITY);
        }
        let (mut separate, mut twin) = (NesterovLaw::new(NesterovForm::SeparateLookahead), start);
        for (index, with) in [first, second].into_iter().enumerate() {
            let step = separate.step(with)?;
            let gradient = axis(2 + index, step.ln_scale.exp());
            twin = twin.stepped(|_| gradient, step.hyperparameters());
        }
        Ok(worse(largest, relative(&direction(&twin), &after_two)))
    })
}

fn any_gauge(settings: &Settings, tolerance: f64) -> Outcome {
    let gauges = vec(gf61(), 1..8).prop_map(Some);
    in_the_field(settings, tolerance, gauges)
}

fn separate_lookahead(settings: &Settings, tolerance: f64) -> Outcome {
    in_the_field(settings, tolerance, Just(None))
}

/// With the gauges of a cycle of steps, or that of a separate look-ahead.
fn in_the_field(
    settings: &Settings,
    tolerance: f64,
    gauges: impl Strategy<Value = Option<Vec<Gf61>>>,
) -> Outcome {
    let weights = vec((gf61(), gf61()), 1..8);
    let cases = (
        hyperparameters(),
        weights,
        gauges,
        exact_rayleigh_quotient(),
        gf61(),
    );
    property(
        settings,
        tolerance,
        cases,
        |(recipe, weights, gauges, loss, held), tamper| {
            let state = loss.initial_state();
            let mut original = NesterovState {
                parameters: state.parameters,
                buffer: state.buffer,
            };
            let one = Gf61::ONE;
            let (mut scale, mut shrink_before) = (one, one);
            let (mut coefficient, mut gauge) = (held, one);
            let mut twin = original.equivalent(one, one, held);
            let each = recipe.iter().cycle().zip(weights.iter().cycle());
            for (step, (sgd, &(gradient_weight, lookahead))) in (0..settings.field_steps).zip(each)
            {
                let with = NesterovHyperparameters {
                    gradient_weight,
                    lookahead,
                    ..NesterovHyperparameters::pytorch(*sgd)
                };
                let law = nesterov(with, coefficient);
                let of_cycle = gauges.as_ref().and_then(|gauges| {
                    let index = step as usize % gauges.len().max(1);
                    gauges.get(index).copied()
                });
                let gauge_after = of_cycle.unwrap_or(one / law.gradient_weight);
                let coefficients = nesterov_twin(with, &law, shrink_before, gauge, gauge_after);
                if gauges.is_none() && coefficients.gradient_weight != one {
                    return Ok(exact(&false, &true));
                }
                let scale_after = law.shrink * scale;
                let without = NesterovHyperparameters {
                    learning_rate: tamper.factor::<Gf61>() * with.learning_rate
                        / (scale * scale_after * tamper.mistake(law.buffer_growth, one)),
                    weight_decay: Gf61::ZERO,
                    momentum: coefficients.momentum,
                    gradient_weight: coefficients.gradient_weight,
                    lookahead: coefficients.lookahead,
                };
                let gradient = |p: &[Gf61]| loss.gradient(step, p);
                original = original.stepped(gradient, with);
                twin = twin.stepped(gradient, without);
                (coefficient, gauge) = (law.buffer_coefficient, gauge_after);
                let image = original.equivalent(scale_after, gauge * scale, coefficient);
                (scale, shrink_before) = (scale_after, law.shrink);
                if twin != image {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}
