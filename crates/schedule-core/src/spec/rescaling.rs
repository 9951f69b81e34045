//! The rescaling group: it commutes with the step, it is a group, and powers of two are exact.

use proptest::collection::vec;
use proptest::prelude::*;

use super::pair::{distance, worse};
use super::prime_field::{gradient, hyperparameters};
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::field::{Field, Gf61, norm};
use crate::optimiser::{AdamWHyperparameters, AdamWState, SgdState};
use crate::rescaling::{Quantity, Rescaling, RescalingError};
use crate::strategies::{
    StochasticLoss, convertible_recipe, exact_rayleigh_quotient, gf61, loss, rayleigh_quotient,
};
use crate::{Hyperparameters, Recipe};

const STEPS: u64 = 200;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "rescaling/commutes",
        words: "to rescale and then to step is to step and then to rescale, with weight decay too",
        formula: "Π^c: θ → cθ, b → b/c, η → c²η, λ → λ/c²",
        source: OURS,
        tolerance: 1e-13,
        property: commutes,
    },
    Statement {
        id: "rescaling/commutes-adamw",
        words: "the same for AdamW, ε included",
        formula: "Π^c: θ → cθ, m → m/c, v → v/c², ε → ε/c, η → cη, λ → λ/c",
        source: OURS,
        tolerance: 1e-13,
        property: commutes_with_adamw,
    },
    Statement {
        id: "rescaling/power-of-two",
        words: "rescaled by powers of two along the way, a run in float64 is the same, bit for bit",
        formula: "Π^c, c = 2ᵏ",
        source: OURS,
        tolerance: 0.0,
        property: power_of_two,
    },
    Statement {
        id: "rescaling/power-of-two-single",
        words: "and so is a run in float32",
        formula: "Π^c, c = 2ᵏ",
        source: OURS,
        tolerance: 0.0,
        property: power_of_two_single,
    },
    Statement {
        id: "field/rescaling-commutes",
        words: "rescaling and stepping commute exactly, for any numbers",
        formula: "Π^c ∘ step = step ∘ Π^c  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: commutes_in_field,
    },
    Statement {
        id: "field/rescaling-composition",
        words: "one rescaling after another is the rescaling by the product",
        formula: "Π^d Π^c = Π^{cd}  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: composition,
    },
    Statement {
        id: "field/rescaling-inverse",
        words: "every rescaling can be undone by one",
        formula: "Π^{1/c} Π^c = Π¹  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: inverse,
    },
];

/// The quantities that no SGD state holds.
const QUANTITIES: [Quantity; 10] = [
    Quantity::Parameters,
    Quantity::Gradient,
    Quantity::SquaredGradient,
    Quantity::LearningRate { update_degree: 0 },
    Quantity::WeightDecay { update_degree: 0 },
    Quantity::AdamEpsilon,
    Quantity::ClippingThreshold,
    Quantity::NormaliserEpsilon { input_degree: 2 },
    Quantity::RunningMean { input_degree: 3 },
    Quantity::RunningVariance { input_degree: 2 },
];

/// The hyperparameters of the rescaled run, tampered with.
pub(super) fn tampered<F: Field>(
    rescaling: &Rescaling<F>,
    with: &Hyperparameters<F>,
    tamper: Tamper,
) -> Hyperparameters<F> {
    let rescaled = rescaling.hyperparameters(with);
    Hyperparameters {
        learning_rate: tamper.factor::<F>() * rescaled.learning_rate,
        weight_decay: tamper.mistake(rescaled.weight_decay, with.weight_decay),
        ..rescaled
    }
}

/// `c` on a logarithmic scale, or the error that it never is.
fn positive() -> impl Strategy<Value = Rescaling> {
    (-10.0..10.0_f64).prop_filter_map("not invertible", |ln| Rescaling::new(ln.exp()).ok())
}

fn any_in_field() -> impl Strategy<Value = Rescaling<Gf61>> {
    gf61().prop_filter_map("not invertible", |factor| Rescaling::new(factor).ok())
}

fn commutes(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), positive());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, rescaling), tamper| {
            let (mut state, mut largest) = (loss.initial_state(), 0.0_f64);
            for step in 0..STEPS {
                let with = recipe.at(step);
                let rescaled = tampered(&rescaling, &with, tamper);
                let gradient = |p: &[f64]| loss.gradient(step, p);
                let after = rescaling.state(&state).stepped(gradient, rescaled);
                state = state.stepped(gradient, with);
                let expected = rescaling.state(&state);
                let size = norm(&expected.parameters);
                largest = worse(
                    largest,
                    distance(&after.parameters, &expected.parameters, size),
                );
                // A buffer is a sum of terms of the size of 1/‖θ‖ that may cancel.
                let size = norm(&expected.buffer) + 1.0 / size;
                largest = worse(largest, distance(&after.buffer, &expected.buffer, size));
            }
            Ok(largest)
        },
    )
}

fn rescaled_moments(rescaling: &Rescaling, state: &AdamWState) -> AdamWState {
    let map = |quantity, values: &[f64]| -> Vec<f64> {
        values
            .iter()
            .map(|x| rescaling.apply(quantity, *x))
            .collect()
    };
    AdamWState {
        parameters: map(Quantity::Parameters, &state.parameters),
        first_moment: map(Quantity::Gradient, &state.first_moment),
        second_moment: map(Quantity::SquaredGradient, &state.second_moment),
    }
}

fn commutes_with_adamw(settings: &Settings, tolerance: f64) -> Outcome {
    let hyperparameters = (1e-3..1e-2, 0.0..0.1, 0.0..0.95, 0.9..0.999, 1e-8..1e-2_f64).prop_map(
        |(learning_rate, weight_decay, beta1, beta2, epsilon)| AdamWHyperparameters {
            learning_rate,
            weight_decay,
            beta1,
            beta2,
            epsilon,
        },
    );
    let cases = (hyperparameters, loss(), positive());
    property(
        settings,
        tolerance,
        cases,
        |(with, loss, rescaling), tamper| {
            let update_degree = 0;
            let rate =
                rescaling.apply(Quantity::LearningRate { update_degree }, with.learning_rate);
            let mapped_with = AdamWHyperparameters {
                learning_rate: tamper.factor::<f64>() * rate,
                weight_decay: rescaling
                    .apply(Quantity::WeightDecay { update_degree }, with.weight_decay),
                epsilon: tamper.mistake(
                    rescaling.apply(Quantity::AdamEpsilon, with.epsilon),
                    with.epsilon,
                ),
                ..with
            };
            let parameters = loss.initial_state().parameters;
            let zero = vec![0.0; parameters.len()];
            let mut state = AdamWState {
                parameters,
                first_moment: zero.clone(),
                second_moment: zero,
            };
            let mut largest = 0.0_f64;
            for step in 0..STEPS {
                let gradient = |parameters: &[f64]| loss.gradient(step, parameters);
                let mapped = rescaled_moments(&rescaling, &state)
                    .stepped(gradient, &mapped_with.coefficients(step));
                state = state.stepped(gradient, &with.coefficients(step));
                let expected = rescaled_moments(&rescaling, &state);
                let size = norm(&expected.parameters);
                // Gradients are of the size of 1/‖θ‖, and their mean may cancel.
                for (found, expected, size) in [
                    (&mapped.parameters, &expected.parameters, size),
                    (
                        &mapped.first_moment,
                        &expected.first_moment,
                        norm(&expected.first_moment) + 1.0 / size,
                    ),
                    (
                        &mapped.second_moment,
                        &expected.second_moment,
                        norm(&expected.second_moment),
                    ),
                ] {
                    largest = worse(largest, distance(found, expected, size));
                }
            }
            Ok(largest)
        },
    )
}

/// Whether a run that is rescaled by `2ᵏ` every so many steps is the plain run, bit for bit.
fn is_the_plain_run<F: Field>(
    gradient: impl Fn(u64, &[F]) -> Vec<F>,
    initial: SgdState<F>,
    with: impl Fn(u64) -> Hyperparameters<F>,
    exponents: &[i64],
    tamper: Tamper,
) -> Result<bool, RescalingError<F>> {
    let (mut plain, mut renormalised) = (initial.clone(), initial);
    let mut total = Rescaling::identity();
    for (step, exponent) in (0..STEPS).zip(exponents.iter().cycle()) {
        let rescaling = Rescaling::power_of_two(*exponent)?;
        // Back and forth, so that everything stays among the normal numbers.
        let rescaling = match step % 14 {
            0 => rescaling,
            7 => total.inverse(),
            _ => Rescaling::identity(),
        };
        total = total.then(&rescaling)?;
        renormalised = rescaling.state(&renormalised);
        let rescaled = tampered(&total, &with(step), tamper);
        renormalised = renormalised.stepped(|p| gradient(step, p), rescaled);
        plain = plain.stepped(|p| gradient(step, p), with(step));
        if renormalised != total.state(&plain) {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn exponents() -> impl Strategy<Value = Vec<i64>> {
    vec(-25_i64..25, 1..9)
}

fn power_of_two(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), exponents());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, exponents), tamper| {
            let gradient = |step: u64, p: &[f64]| loss.gradient(step, p);
            let with = |step| recipe.at(step);
            let same = is_the_plain_run(gradient, loss.initial_state(), with, &exponents, tamper)?;
            Ok(exact(&same, &true))
        },
    )
}

pub(super) fn single(recipe: &Recipe, step: u64) -> Hyperparameters<f32> {
    let with = recipe.at(step);
    Hyperparameters {
        learning_rate: with.learning_rate as f32,
        weight_decay: with.weight_decay as f32,
        momentum: with.momentum as f32,
    }
}

fn power_of_two_single(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), rayleigh_quotient(), exponents());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, exponents), tamper| {
            let loss = loss.in_single_precision();
            let gradient = |step: u64, p: &[f32]| loss.gradient(step, p);
            let with = |step| single(&recipe, step);
            let same = is_the_plain_run(gradient, loss.initial_state(), with, &exponents, tamper)?;
            Ok(exact(&same, &true))
        },
    )
}

fn commutes_in_field(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (hyperparameters(), exact_rayleigh_quotient(), any_in_field());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, rescaling), tamper| {
            let mut original = loss.initial_state();
            let mut other = rescaling.state(&original);
            for (step, with) in (0..settings.field_steps).zip(recipe.iter().cycle()) {
                let rescaled = tampered(&rescaling, with, tamper);
                original = original.stepped(gradient(&loss, step), *with);
                other = other.stepped(gradient(&loss, step), rescaled);
                if other != rescaling.state(&original) {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}

/// What a rescaling does to each quantity, the number 1.
fn factors(rescaling: &Rescaling<Gf61>) -> [Gf61; 10] {
    QUANTITIES.map(|quantity| rescaling.apply(quantity, Gf61::ONE))
}

fn composition(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (any_in_field(), any_in_field());
    property(settings, tolerance, cases, |(first, second), tamper| {
        let both = first.factor() * second.factor() * tamper.factor();
        let both =
            Rescaling::new(both).map_err(|error| TestCaseError::reject(error.to_string()))?;
        let one_by_one: Vec<Gf61> = QUANTITIES
            .iter()
            .zip(factors(&first))
            .map(|(quantity, factor)| second.apply(*quantity, factor))
            .collect();
        let same = first.then(&second) == Ok(both) && one_by_one == factors(&both);
        Ok(exact(&same, &true))
    })
}

fn inverse(settings: &Settings, tolerance: f64) -> Outcome {
    property(settings, tolerance, any_in_field(), |rescaling, tamper| {
        let factor = rescaling.inverse().factor() * tamper.factor();
        let back =
            Rescaling::new(factor).map_err(|error| TestCaseError::reject(error.to_string()))?;
        let undone = QUANTITIES
            .iter()
            .zip(factors(&rescaling))
            .all(|(quantity, factor)| back.apply(*quantity, factor) == Gf61::ONE);
        let same = undone && rescaling.then(&back) == Ok(Rescaling::identity());
        Ok(exact(&same, &true))
    })
}
