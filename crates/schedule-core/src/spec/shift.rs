//! Buffer shifts, and what they make possible.

use proptest::collection::vec;
use proptest::prelude::*;

use super::exact::STEPS;
use super::field_twins::FieldTwins;
use super::pair::worse;
use super::prime_field::hyperparameters;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement};
use crate::check::{Start, Twins};
use crate::field::{Field, Gf61};
use crate::recurrence::{buffer_shift, coupled};
use crate::strategies::{StochasticLoss, exact_rayleigh_quotient, gf61, loss, schedule};
use crate::{ExactLaw, Hyperparameters, Recipe};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "shift/complex-roots",
        words: "with buffer shifts the exact law goes on where the roots are complex: every single step, with its shift, is the step of the original, to rounding",
        formula: "b̃_t += A_t² (κ_old − κ_new) θ̃_t,  λη > (1 − √γ)²",
        source: OURS,
        tolerance: 1e-12,
        property: complex_roots,
    },
    Statement {
        id: "field/shift",
        words: "the buffer coefficient can be replaced before any step, as an identity of rational numbers",
        formula: "b̃_t += A_t² (κ_old − κ_new) θ̃_t  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: field_shift,
    },
];

/// `max λη` up to 0.005 and `γ` down to 0.9, so that roots are complex at most steps.
fn unconvertible_recipe() -> impl Strategy<Value = Recipe> {
    let schedules = (
        schedule(0.03..0.1, STEPS),
        schedule(0.01..0.05, STEPS),
        schedule(0.9..0.999, STEPS),
    );
    schedules.prop_filter_map("a recipe that is refused", |(rate, decay, momentum)| {
        Recipe::new(rate, decay, momentum).ok()
    })
}

/// Step by step, as such a momentum makes the dynamics themselves magnify roundings.
fn complex_roots(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (unconvertible_recipe(), loss(), 0.3..0.9);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, smallest), tamper| {
            let mut twins = Twins::new(loss.initial_state(), Start::Resynchronised);
            let mut law = ExactLaw::new();
            let mut largest = 0.0_f64;
            for step in 0..STEPS {
                let with = recipe.at(step);
                let continued = law.step_shifting(with, smallest)?;
                if let Some(mut shift) = continued.shift {
                    let off = tamper.factor::<f64>() - 1.0;
                    let new = shift.buffer_coefficient_after + off * shift.buffer_coefficient;
                    shift.buffer_coefficient_after = tamper.mistake(new, shift.buffer_coefficient);
                    twins.shift(&shift);
                }
                let gradient = |p: &[f64]| loss.gradient(step, p);
                let distance = twins.step(gradient, with, &continued.step);
                if distance.is_nan() {
                    return Ok(distance);
                }
                largest = worse(largest, distance);
            }
            Ok(largest)
        },
    )
}

fn field_shift(settings: &Settings, tolerance: f64) -> Outcome {
    let shifts = vec(gf61(), 1..8);
    let cases = (hyperparameters(), shifts, exact_rayleigh_quotient(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, shifts, loss, start), tamper| {
            let mut twins = FieldTwins::new(&loss, start);
            let steps = recipe.iter().cycle().zip(shifts.iter().cycle());
            for (with, &new) in steps.take(settings.field_steps as usize) {
                let scale = tamper.mistake(twins.scale, Gf61::ONE);
                let factor = buffer_shift(scale, twins.coefficient, new);
                twins.shift(factor * tamper.factor(), new);
                let law = coupled(with.learning_rate, with.weight_decay, with.momentum, new);
                let twin = Hyperparameters {
                    learning_rate: with.learning_rate / (twins.scale * law.shrink * twins.scale),
                    weight_decay: Gf61::ZERO,
                    momentum: with.momentum,
                };
                if !twins.step(*with, twin, law.shrink, law.buffer_coefficient) {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}
