//! The algebraic laws with no tolerance, over GF(2⁶¹ − 1).

use proptest::collection::vec;
use proptest::prelude::*;

use super::field_twins::FieldTwins;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement};
use crate::Hyperparameters;
use crate::field::{Field, Gf61};
use crate::recurrence::coupled;
use crate::strategies::{RayleighQuotient, StochasticLoss, exact_rayleigh_quotient, gf61};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "field/exact",
        words: "the exact law is an identity of rational numbers, for any η, λ, γ, buffers and losses",
        formula: "θ̃_t A_t = θ_t,  b̃_t = A_t (b_t − κ_{t−1} θ_t)  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: exact_law,
    },
    Statement {
        id: "field/exact-ratios",
        words: "from a buffer left as it is the law can be written in the ratios of the rates, as an identity of rational numbers",
        formula: "a_t = 1 − η_tλ_t + γ_t (η_t/η_{t−1}) (1 − 1/a_{t−1}),  a_{−1} = 1  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: ratios,
    },
];

/// Random hyperparameters, one for each of a cycle of steps.
pub(super) fn hyperparameters() -> impl Strategy<Value = Vec<Hyperparameters<Gf61>>> {
    let one = (gf61(), gf61(), gf61()).prop_map(|(learning_rate, weight_decay, momentum)| {
        Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        }
    });
    vec(one, 1..8)
}

pub(super) fn gradient<'a>(
    loss: &'a RayleighQuotient<Gf61>,
    step: u64,
) -> impl Fn(&[Gf61]) -> Vec<Gf61> + use<'a> {
    move |parameters| loss.gradient(step, parameters)
}

fn ratios(settings: &Settings, tolerance: f64) -> Outcome {
    property(settings, tolerance, hyperparameters(), |recipe, tamper| {
        let (mut coefficient, mut shrink, mut rate) = (Gf61::ZERO, Gf61::ONE, Gf61::ONE);
        for with in recipe.iter().cycle().take(settings.field_steps as usize) {
            let law = coupled(
                with.learning_rate,
                with.weight_decay,
                with.momentum,
                coefficient,
            );
            let ratio = tamper.mistake(with.learning_rate / rate, Gf61::ONE) * tamper.factor();
            shrink = Gf61::ONE - with.learning_rate * with.weight_decay
                + with.momentum * ratio * (Gf61::ONE - Gf61::ONE / shrink);
            if shrink != law.shrink {
                return Ok(exact(&false, &true));
            }
            (coefficient, rate) = (law.buffer_coefficient, with.learning_rate);
        }
        Ok(0.0)
    })
}

fn exact_law(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (hyperparameters(), exact_rayleigh_quotient(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, start), tamper| {
            let mut twins = FieldTwins::new(&loss, start);
            for with in recipe.iter().cycle().take(settings.field_steps as usize) {
                let law = coupled(
                    with.learning_rate,
                    with.weight_decay,
                    with.momentum,
                    tamper.mistake(twins.coefficient, Gf61::ZERO),
                );
                let rate = with.learning_rate / (twins.scale * (law.shrink * twins.scale));
                let without = Hyperparameters {
                    learning_rate: tamper.factor::<Gf61>() * rate,
                    weight_decay: Gf61::ZERO,
                    momentum: with.momentum,
                };
                if !twins.step(*with, without, law.shrink, law.buffer_coefficient) {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}
