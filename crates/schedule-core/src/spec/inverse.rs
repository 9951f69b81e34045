//! From an exponential learning rate to weight decay.

use proptest::collection::vec;
use proptest::prelude::*;

use super::exact::{STEPS, distance};
use super::field_twins::FieldTwins;
use super::pair::worse;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement};
use crate::check::Start;
use crate::field::{Field, Gf61};
use crate::law::exact::ConstantPhase;
use crate::law::inverse::{ConstantGrowth, InverseLaw, Root, WithoutDecay};
use crate::recurrence::{coupled, decay_product, stationary_decay_product};
use crate::strategies::{convertible_recipe, exact_rayleigh_quotient, gf61, loss, schedule};
use crate::{EquivalentStep, ExactLaw, Hyperparameters};

const LI_ARORA: &str = "Li & Arora, arXiv:1910.07454, read backwards";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "inverse/stepwise",
        words: "for any run without weight decay and any positive scales there is a run with weight decay of which it is the twin, step by step",
        formula: "η_t = η̃_t A_t A_{t+1},  λ_t = (1 + γ_t r_t (1 − 1/a_{t−1}) − a_t)/η_t",
        source: OURS,
        tolerance: 1e-13,
        property: stepwise,
    },
    Statement {
        id: "inverse/round-trip",
        words: "the inverse of the exact law gives the recipe back",
        formula: "inverse ∘ exact = identity",
        source: OURS,
        tolerance: 1e-12,
        property: round_trip,
    },
    Statement {
        id: "inverse/constant-growth",
        words: "a rate that grows by a constant factor is a constant rate and weight decay, in closed form, from the stationary buffer",
        formula: "λη = −expm1(−L/2)·(1 − γ e^{L/2}),  η = η̃_0 ρ^{−1/2},  b_0 = b̃_0 + κ* θ_0",
        source: LI_ARORA,
        tolerance: 1e-11,
        property: constant_growth,
    },
    Statement {
        id: "field/inverse",
        words: "the inverse is an identity of rational numbers, and the exact law undoes it",
        formula: "η_t λ_t = 1 − a_t − γ_t (η_t/η_{t−1}) (1/a_{t−1} − 1)  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: field_inverse,
    },
    Statement {
        id: "field/constant-growth",
        words: "the closed form of the inverse is stationary, as an identity of rational numbers",
        formula: "λη = (1 − α)(1 − γ/α),  κ* = (1/α − 1)/η  in GF(2⁶¹ − 1)",
        source: LI_ARORA,
        tolerance: 0.0,
        property: field_constant_growth,
    },
];

fn stepwise(settings: &Settings, tolerance: f64) -> Outcome {
    let ln_shrinks = vec(-0.01..0.01, 1..20);
    let schedules = (schedule(1e-3..0.2, STEPS), schedule(0.0..0.97, STEPS));
    let cases = (schedules, ln_shrinks, -0.1..0.1, loss());
    property(
        settings,
        tolerance,
        cases,
        |((rate, memory), ln_shrinks, start, loss), tamper| {
            let mut law = InverseLaw::from_buffer_coefficient(start)?;
            let steps = (0..STEPS).zip(ln_shrinks.iter().cycle());
            let pairs = steps.map(|(step, &ln_shrink)| {
                let without = WithoutDecay {
                    ln_learning_rate: rate.at(step).ln(),
                    momentum: memory.at(step),
                };
                let with = law.step(without, ln_shrink)?;
                let twin = EquivalentStep {
                    step,
                    ln_learning_rate: without.ln_learning_rate + tamper.factor::<f64>().ln(),
                    weight_decay: 0.0,
                    momentum: without.momentum,
                    shrink: ln_shrink.exp(),
                    ln_shrink,
                    ln_scale: with.ln_scale,
                    ln_scale_after: with.ln_scale_after,
                    buffer_coefficient: with.buffer_coefficient,
                    buffer_coefficient_after: with.buffer_coefficient_after,
                };
                let mut original = with.hyperparameters();
                // A_t² for A_tA_{t+1}.
                original.learning_rate *= tamper.mistake(1.0, (-ln_shrink).exp());
                Ok((original, twin))
            });
            let pairs = pairs.collect::<Result<Vec<_>, crate::law::inverse::InverseError>>()?;
            Ok(distance(&loss, Start::Resynchronised, pairs))
        },
    )
}

fn round_trip(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = convertible_recipe(STEPS);
    property(settings, tolerance, cases, |recipe, tamper| {
        let mut inverse = InverseLaw::new();
        let mut largest = 0.0_f64;
        for there in ExactLaw::new().steps(&recipe).take(STEPS as usize) {
            let there = there?;
            let without = WithoutDecay {
                ln_learning_rate: there.ln_learning_rate + tamper.factor::<f64>().ln(),
                momentum: there.momentum,
            };
            let back = inverse.step(without, there.ln_shrink)?;
            let original = recipe.at(there.step);
            let rate = original.learning_rate.ln();
            let product = original.learning_rate * original.weight_decay;
            let coefficient = there.buffer_coefficient_after;
            for (a, b, size) in [
                (back.ln_learning_rate, rate, 1.0 + rate.abs()),
                // In units of the terms that it is the difference of.
                (
                    back.decay_product,
                    product,
                    1.0 - there.shrink + f64::MIN_POSITIVE,
                ),
                (
                    back.buffer_coefficient_after,
                    coefficient,
                    coefficient.abs() + f64::MIN_POSITIVE,
                ),
            ] {
                largest = worse(largest, (a - b).abs() / size);
            }
        }
        Ok(largest)
    })
}

fn constant_growth(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (-7.0..3.0, 0.05..0.97, 0.01..0.99);
    property(
        settings,
        tolerance,
        cases,
        |(ln_learning_rate, momentum, part): (f64, f64, f64), tamper| {
            let initial = WithoutDecay {
                ln_learning_rate,
                momentum,
            };
            let ln_growth = part * -2.0 * momentum.ln();
            let closed = ConstantGrowth::new(initial, ln_growth)?;
            let product = closed.decay_product() * tamper.factor::<f64>();
            let mut law = InverseLaw::from_buffer_coefficient(closed.buffer_coefficient())?;
            let mut largest = 0.0_f64;
            for step in 0..50 {
                let without = WithoutDecay {
                    ln_learning_rate: ln_learning_rate + f64::from(step) * ln_growth,
                    momentum,
                };
                let with = law.step(without, -0.5 * ln_growth)?;
                let terms = product + momentum * (1.0 - momentum);
                largest = worse(largest, (with.decay_product - product).abs() / terms);
                let off = with.ln_learning_rate - closed.ln_learning_rate();
                largest = worse(largest, off.abs());
            }
            // Of a growth above 1/γ the root is the smaller one, and γ/α the larger.
            if part > 0.6 {
                let phase = ConstantPhase::new(closed.hyperparameters())?;
                let ln_root = momentum.ln() + 0.5 * ln_growth;
                largest = worse(largest, (phase.ln_root() - ln_root).abs() / ln_root.abs());
            }
            if closed.root()
                != if part <= 0.5 {
                    Root::Larger
                } else {
                    Root::Smaller
                }
            {
                return Ok(f64::INFINITY);
            }
            // Near the double root the larger one is only known to half the digits.
            if part < 0.4 {
                let phase = ConstantPhase::new(closed.hyperparameters())?;
                let coefficient = phase.stationary_buffer_coefficient();
                let growth = (phase.ln_growth() - ln_growth).abs() / ln_growth;
                let buffer = (closed.buffer_coefficient() - coefficient).abs() / coefficient;
                largest = worse(largest, worse(growth, buffer));
            }
            Ok(largest)
        },
    )
}

/// `η̃_t`, `γ_t` and `a_t` of a cycle of steps.
fn without_decay() -> impl Strategy<Value = Vec<(Gf61, Gf61, Gf61)>> {
    vec((gf61(), gf61(), gf61()), 1..8)
}

fn field_inverse(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (without_decay(), exact_rayleigh_quotient(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(steps, loss, start), tamper| {
            let mut twins = FieldTwins::new(&loss, start);
            let mut previous = Gf61::ONE;
            let steps = steps.iter().cycle().take(settings.field_steps as usize);
            for &(twin_rate, momentum, shrink) in steps {
                let learning_rate = twin_rate * twins.scale * shrink * twins.scale;
                let held = previous * twins.coefficient;
                let ratio = tamper.mistake(learning_rate / previous, Gf61::ONE);
                let product = decay_product(shrink - Gf61::ONE, momentum * ratio, held);
                let with = Hyperparameters {
                    learning_rate,
                    weight_decay: product / learning_rate * tamper.factor(),
                    momentum,
                };
                let law = coupled(
                    learning_rate,
                    with.weight_decay,
                    momentum,
                    twins.coefficient,
                );
                let coefficient = (Gf61::ONE / shrink - Gf61::ONE) / learning_rate;
                let twin = Hyperparameters {
                    learning_rate: twin_rate,
                    weight_decay: Gf61::ZERO,
                    momentum,
                };
                let same = twins.step(with, twin, shrink, coefficient);
                if !same || (law.shrink, law.buffer_coefficient) != (shrink, coefficient) {
                    return Ok(exact(&false, &true));
                }
                previous = learning_rate;
            }
            Ok(0.0)
        },
    )
}

fn field_constant_growth(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (gf61(), gf61(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(rate, momentum, root), tamper| {
            let held = Gf61::ONE / root - Gf61::ONE;
            let product = stationary_decay_product(momentum, held) * tamper.factor();
            let expected = (Gf61::ONE - root) * (Gf61::ONE - momentum / root);
            let coefficient = held / rate;
            let law = coupled(rate, product / rate, momentum, coefficient);
            Ok(exact(
                &(law.shrink, law.buffer_coefficient, product),
                &(root, coefficient, expected),
            ))
        },
    )
}
