//! From one weight decay schedule to another.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::exact::{STEPS, distance};
use super::field_twins::FieldTwins;
use super::pair::worse;
use super::prime_field::hyperparameters;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::check::Start;
use crate::field::{Field, Gf61};
use crate::recurrence::coupled;
use crate::strategies::{convertible_recipe, exact_rayleigh_quotient, gf61, loss, schedule};
use crate::{EquivalentStep, ExactLaw, Hyperparameters, Recipe, Schedule};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "keeping/free",
        words: "SGD with one weight decay schedule, and SGD with another at the rate of the law that keeps it, visit the same directions for 500 steps",
        formula: "d_t = λ_t − λ̃_t/A_t² + γ_t κ_{t−1}",
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| keeping(settings, tolerance, Start::Free),
    },
    Statement {
        id: "keeping/stepwise",
        words: "every single step of the law that keeps a weight decay is the step of the original, to rounding",
        formula: "d_t = λ_t − λ̃_t/A_t² + γ_t κ_{t−1}",
        source: OURS,
        tolerance: 1e-13,
        property: |settings, tolerance| keeping(settings, tolerance, Start::Resynchronised),
    },
    Statement {
        id: "keeping/homomorphism",
        words: "converting to another weight decay and then to none is converting to none at once",
        formula: "A_t A'_t = A''_t,  κ_t + κ'_t/A_{t+1}² = κ''_t,  η̃'_t = η̃''_t",
        source: OURS,
        tolerance: 1e-12,
        property: homomorphism,
    },
    Statement {
        id: "field/keeping",
        words: "the law that keeps a weight decay is an identity of rational numbers",
        formula: "d_t = λ_t − λ̃_t/A_t² + γ_t κ_{t−1}  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: field_keeping,
    },
    Statement {
        id: "field/homomorphism",
        words: "conversions compose to conversions, as an identity of rational numbers",
        formula: "A_t A'_t = A''_t,  κ_t + κ'_t/A_{t+1}² = κ''_t  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: field_homomorphism,
    },
];

/// A recipe, and what its weight decay is multiplied by in the twin.
fn cases() -> impl Strategy<Value = (Recipe, Schedule)> {
    (convertible_recipe(STEPS), schedule(0.0..3.0, STEPS))
}

/// The steps of a recipe, and their equivalents that keep a weight decay.
fn converted(
    recipe: &Recipe,
    part: &Schedule,
) -> Result<Vec<(Hyperparameters, EquivalentStep)>, TestCaseError> {
    let mut law = ExactLaw::new();
    (0..STEPS)
        .map(|step| {
            let with = recipe.at(step);
            let kept = part.at(step) * with.weight_decay;
            Ok((with, law.step_keeping(with, kept)?))
        })
        .collect()
}

fn keeping(settings: &Settings, tolerance: f64, start: Start) -> Outcome {
    let cases = (cases(), loss());
    property(
        settings,
        tolerance,
        cases,
        |((recipe, part), loss), tamper| {
            let mut pairs = converted(&recipe, &part)?;
            for (_, step) in &mut pairs {
                step.ln_learning_rate += tamper.factor::<f64>().ln();
                step.weight_decay *= tamper.mistake(1.0, (2.0 * step.ln_scale).exp());
            }
            Ok(distance(&loss, start, pairs))
        },
    )
}

fn homomorphism(settings: &Settings, tolerance: f64) -> Outcome {
    property(settings, tolerance, cases(), |(recipe, part), tamper| {
        let (mut onward, mut direct) = (ExactLaw::new(), ExactLaw::new());
        let mut largest = 0.0_f64;
        for (original, first) in converted(&recipe, &part)? {
            let second = onward.step(Hyperparameters {
                learning_rate: first.learning_rate(),
                weight_decay: first.weight_decay * tamper.factor::<f64>(),
                momentum: first.momentum,
            })?;
            let at_once = direct.step(original)?;
            let scale = first.ln_scale_after + second.ln_scale_after;
            let ln_scale = tamper.mistake(first.ln_scale_after, first.ln_scale);
            let carried = second.buffer_coefficient_after * (-2.0 * ln_scale).exp();
            for (a, b, size) in [
                (scale, at_once.ln_scale_after, 1.0 + scale.abs()),
                (
                    second.ln_learning_rate,
                    at_once.ln_learning_rate,
                    1.0 + scale.abs(),
                ),
                (
                    first.buffer_coefficient_after + carried,
                    at_once.buffer_coefficient_after,
                    f64::MIN_POSITIVE + first.buffer_coefficient_after.abs() + carried.abs(),
                ),
            ] {
                largest = worse(largest, (a - b).abs() / size);
            }
        }
        Ok(largest)
    })
}

fn field_keeping(settings: &Settings, tolerance: f64) -> Outcome {
    let kept = vec(gf61(), 1..8);
    let cases = (hyperparameters(), kept, exact_rayleigh_quotient(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, kept, loss, start), tamper: Tamper| {
            let mut twins = FieldTwins::new(&loss, start);
            let steps = recipe.iter().cycle().zip(kept.iter().cycle());
            for (with, &kept) in steps.take(settings.field_steps as usize) {
                let scale = twins.scale;
                let square = tamper.mistake(scale * scale, Gf61::ONE);
                let decay = with.weight_decay - kept / square;
                let law = coupled(with.learning_rate, decay, with.momentum, twins.coefficient);
                let twin = Hyperparameters {
                    learning_rate: with.learning_rate / (scale * law.shrink * scale),
                    weight_decay: kept * tamper.factor(),
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

fn field_homomorphism(settings: &Settings, tolerance: f64) -> Outcome {
    let kept = vec(gf61(), 1..8);
    let cases = (hyperparameters(), kept, gf61(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, kept, start, next), tamper| {
            let one = Gf61::ONE;
            let (mut first, mut second, mut direct) = ((one, start), (one, next), one);
            let mut at_once = start + next;
            let steps = recipe.iter().cycle().zip(kept.iter().cycle());
            for (with, &kept) in steps.take(settings.field_steps as usize) {
                let decay = with.weight_decay - kept / (first.0 * first.0);
                let a = coupled(with.learning_rate, decay, with.momentum, first.1);
                let rate = with.learning_rate / (first.0 * a.shrink * first.0);
                let kept = kept * tamper.factor();
                let b = coupled(rate, kept, with.momentum, second.1);
                let rate_at_once = with.learning_rate / direct;
                let c = coupled(
                    with.learning_rate,
                    with.weight_decay,
                    with.momentum,
                    at_once,
                );
                let rate = rate / (second.0 * b.shrink * second.0);
                first = (a.shrink * first.0, a.buffer_coefficient);
                second = (b.shrink * second.0, b.buffer_coefficient);
                let rate_at_once = rate_at_once / (c.shrink * direct);
                direct = c.shrink * direct;
                at_once = c.buffer_coefficient;
                let composed = (
                    first.0 * second.0,
                    first.1 + second.1 / (first.0 * tamper.mistake(first.0, one)),
                    rate,
                );
                if composed != (direct, at_once, rate_at_once) {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}
