//! Constant hyperparameters: the roots, the transient, random access, and where the law ends.

use std::f64::consts::PI;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::pair::worse;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::field::{Field, Gf61};
use crate::law::exact::ConstantPhase;
use crate::law::texp::Texp;
use crate::recurrence::coupled;
use crate::strategies::{convertible_recipe, gf61, piecewise_constant_recipe};
use crate::{EquivalentStep, ExactAccess, ExactLaw, Hyperparameters, LawError, Recipe, Schedule};

const LI_ARORA: &str = "Li & Arora, arXiv:1910.07454, theorem on constant hyperparameters";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "exact/no-momentum",
        words: "without momentum the parameters shrink by what weight decay takes",
        formula: "γ_t = 0:  a_t = 1 − η_tλ_t",
        source: "Li & Arora, arXiv:1910.07454, theorem without momentum",
        tolerance: 1e-13,
        property: no_momentum,
    },
    Statement {
        id: "constant/roots",
        words: "the closed form's root is the larger one of the quadratic equation, and real up to its limit",
        formula: "x² − (1+γ−λη)x + γ = 0,  real iff λη ≤ (1−√γ)²",
        source: LI_ARORA,
        tolerance: 1e-12,
        property: roots,
    },
    Statement {
        id: "constant/settled-difference",
        words: "the exact law, entering a phase with any buffer coefficient, ends at a constant distance from TEXP",
        formula: "ln η̃_exact − ln η̃_TEXP → −2 ln(1−Q),  Q = γη(κ−κ*)/(α−β)",
        source: OURS,
        tolerance: 1e-11,
        property: settled_difference,
    },
    Statement {
        id: "constant/difference-at-start",
        words: "from a zero buffer that distance is of first order in the weight decay",
        formula: "2 ln(1 + γηκ*/(α−β)) = 2γηλ/(1−γ)² (1 + O(ηλ/(1−γ)²))",
        source: OURS,
        tolerance: 1e-4,
        property: difference_at_start,
    },
    Statement {
        id: "constant/complex-end",
        words: "with complex roots the law ends at the predicted step, for random access as for the stream",
        formula: "a_t ≤ 0 first at t = ⌈(π−ψ)/φ⌉ − 1,  cos φ = (1+γ−s)/(2√γ),  ψ = atan2(sin φ, cos φ − (1+ηκ)√γ)",
        source: OURS,
        tolerance: 1e-6,
        property: complex_end,
    },
    Statement {
        id: "access/streaming",
        words: "random access gives the streaming law's step, after thousands of steps too",
        formula: "ln(A_{T+n}/A_T) = n ln α + ln(1 − Q(1−pⁿ)),  κ_{T+n−1} = κ* + pⁿ(κ−κ*)/(1 − Q(1−pⁿ))",
        source: OURS,
        tolerance: 1e-12,
        property: access,
    },
    Statement {
        id: "access/double-root",
        words: "and so it does where the two roots are one",
        formula: "ln(A_{T+n}/A_T) = n ln √γ + ln(1 − γη(κ−κ*)n/√γ)",
        source: OURS,
        tolerance: 1e-10,
        property: double_root,
    },
    Statement {
        id: "field/transient",
        words: "while the hyperparameters are constant the law approaches the root by the ratio of the roots a step, as an identity of rational numbers",
        formula: "(a_{t+1} − α)/(a_{t+1} − β) = (β/α) (a_t − α)/(a_t − β)  in GF(2⁶¹ − 1)",
        source: LI_ARORA,
        tolerance: 0.0,
        property: field_transient,
    },
];

fn no_momentum(settings: &Settings, tolerance: f64) -> Outcome {
    property(
        settings,
        tolerance,
        convertible_recipe(500),
        |recipe, tamper| {
            let (mut law, mut largest) = (ExactLaw::new(), 0.0);
            for step in 0..500 {
                let with = Hyperparameters {
                    momentum: 0.0,
                    ..recipe.at(step)
                };
                let product = with.learning_rate * with.weight_decay * tamper.factor::<f64>();
                let found = -law.step(with)?.ln_shrink.exp_m1();
                let off = (found - product).abs() / product.max(f64::MIN_POSITIVE);
                largest = worse(off, largest);
            }
            Ok(largest)
        },
    )
}

/// `γ`, and `λη` as a part of `(1 − √γ)²`, with `η`.
pub(super) fn with_product(part: std::ops::Range<f64>) -> impl Strategy<Value = Hyperparameters> {
    (0.01..0.99, part, -7.0..0.0).prop_map(|(momentum, part, ln_rate): (f64, f64, f64)| {
        let learning_rate = ln_rate.exp();
        Hyperparameters {
            learning_rate,
            weight_decay: part * (1.0 - momentum.sqrt()).powi(2) / learning_rate,
            momentum,
        }
    })
}

fn roots(settings: &Settings, tolerance: f64) -> Outcome {
    property(
        settings,
        tolerance,
        with_product(0.0..2.0),
        |with, tamper| {
            let Hyperparameters {
                learning_rate,
                weight_decay,
                momentum,
            } = with;
            let product = learning_rate * weight_decay;
            let limit = (1.0 - momentum.sqrt()).powi(2);
            let phase = match ConstantPhase::new(with) {
                Ok(phase) => phase,
                Err(LawError::NoPositiveRoot { .. }) => {
                    return Ok(f64::max(0.0, (limit - product) / limit));
                }
                Err(other) => return Err(other.into()),
            };
            let root = phase.root() * tamper.factor::<f64>();
            let other = root - phase.root_gap();
            Ok([
                root + other - (1.0 + momentum - product),
                root * other - momentum,
                1.0 - root - phase.one_minus_root(),
                phase.stationary_buffer_coefficient() * learning_rate * root
                    - phase.one_minus_root(),
                (product - limit).max(0.0),
            ]
            .into_iter()
            .fold(0.0, |largest, off| worse(off.abs(), largest)))
        },
    )
}

pub(super) fn constant_recipe(with: Hyperparameters) -> Result<Recipe, TestCaseError> {
    Ok(Recipe::new(
        Schedule::constant(with.learning_rate)?,
        Schedule::constant(with.weight_decay)?,
        Schedule::constant(with.momentum)?,
    )?)
}

/// Over so many steps that the transient is gone.
fn settled_difference(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (with_product(0.01..0.9), -3.0..1.0_f64);
    property(settings, tolerance, cases, |(with, part), tamper| {
        let phase = ConstantPhase::new(with)?;
        let coefficient = part * phase.stationary_buffer_coefficient();
        let texp = Texp::new(&constant_recipe(with)?)?;
        let expected = phase
            .settled_ln_difference(coefficient)
            .map(|difference| difference * tamper.factor::<f64>());
        let mut law = ExactLaw::from_buffer_coefficient(coefficient)?;
        let ratio = with.momentum / phase.root().powi(2);
        let last = (-40.0 / ratio.ln()).ceil() as u64;
        let mut difference = f64::NAN;
        for step in 0..=last {
            let exact = law.step(with)?.ln_learning_rate;
            difference = exact - texp.ln_learning_rate(step);
        }
        let size = 1.0 + texp.ln_learning_rate(last).abs();
        Ok(expected.map_or(f64::NAN, |expected| (difference - expected).abs() / size))
    })
}

fn difference_at_start(settings: &Settings, tolerance: f64) -> Outcome {
    property(
        settings,
        tolerance,
        with_product(1e-6..1e-5),
        |with, tamper| {
            let phase = ConstantPhase::new(with)?;
            let to_first_order = 2.0 * with.momentum * with.learning_rate * with.weight_decay
                / (1.0 - with.momentum).powi(2);
            let found = phase.settled_ln_difference(0.0).unwrap_or(f64::NAN);
            Ok((-found / to_first_order * tamper.factor::<f64>() - 1.0).abs())
        },
    )
}

fn complex_end(settings: &Settings, tolerance: f64) -> Outcome {
    let hyperparameters = (0.9..0.999, 0.01..1.0, 0.1..1.0);
    let cases = (hyperparameters, prop_oneof![Just(0.0), -2.0..0.5]);
    property(
        settings,
        tolerance,
        cases,
        |((momentum, part, learning_rate), kappa): ((f64, f64, f64), f64), tamper| {
            // From just above the limit of real roots up to twice it.
            let product = (1.0 + part) * (1.0 - momentum.sqrt()).powi(2);
            let with = Hyperparameters {
                learning_rate,
                weight_decay: product / learning_rate,
                momentum,
            };
            let root = momentum.sqrt();
            let cosine = (1.0 + momentum - product) / (2.0 * root);
            let sine = (1.0 - cosine * cosine).sqrt();
            let held = 1.0 + tamper.mistake(learning_rate * kappa, 0.0);
            let offset = sine.atan2(cosine - held * root);
            // ⌈turns⌉ = t + 1.
            let turns = (PI - offset) / sine.atan2(cosine) * tamper.factor::<f64>();

            let recipe = constant_recipe(with)?;
            let mut steps = ExactLaw::from_buffer_coefficient(kappa)?.steps(&recipe);
            let streamed = steps.by_ref().take(100_000).find_map(Result::err);
            let at_once = ExactAccess::new(&recipe, kappa).err();
            let (
                Some(LawError::ShrinkNotPositive { step, .. }),
                Some(LawError::ShrinkNotPositive { step: other, .. }),
            ) = (streamed, at_once)
            else {
                return Ok(f64::INFINITY);
            };
            if step != other {
                return Ok(f64::INFINITY);
            }
            let step = step as f64;
            Ok(worse(0.0, worse(turns - (step + 1.0), step - turns)))
        },
    )
}

/// `|Δ ln η̃|` and the like of two steps, in units of what they are sums of.
fn step_distance(found: &EquivalentStep, expected: &EquivalentStep, tamper: Tamper) -> f64 {
    let rate = found.ln_learning_rate + tamper.factor::<f64>().ln();
    let coefficients = (found.buffer_coefficient, expected.buffer_coefficient);
    let after = (
        found.buffer_coefficient_after,
        expected.buffer_coefficient_after,
    );
    [
        (rate, expected.ln_learning_rate),
        (found.ln_scale, expected.ln_scale),
        (found.ln_scale_after, expected.ln_scale_after),
        (found.ln_shrink, expected.ln_shrink),
        coefficients,
        after,
    ]
    .into_iter()
    .fold(0.0, |largest, (a, b)| {
        worse((a - b).abs() / (1.0 + b.abs()), largest)
    })
}

fn access(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (piecewise_constant_recipe(3_000), -1.0..1.0);
    property(settings, tolerance, cases, |(recipe, part), tamper| {
        let first = ConstantPhase::new(recipe.at(0))?;
        let coefficient = part * first.stationary_buffer_coefficient();
        let access = ExactAccess::new(&recipe, coefficient)?;
        let law = ExactLaw::from_buffer_coefficient(coefficient)?;
        let mut largest = 0.0;
        for streamed in law.steps(&recipe).take(5_000) {
            let streamed = streamed?;
            let found = access.at(streamed.step);
            largest = worse(step_distance(&found, &streamed, tamper), largest);
        }
        Ok(largest)
    })
}

/// With numbers that float64 holds, as the double root is lost to any rounding.
fn double_root(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (1..64_u32, -4..3_i32, -4.0..0.0_f64);
    property(settings, tolerance, cases, |(root, power, part), tamper| {
        let (root, learning_rate) = (f64::from(root) / 64.0, f64::from(power).exp2());
        let with = Hyperparameters {
            learning_rate,
            weight_decay: (1.0 - root).powi(2) / learning_rate,
            momentum: root * root,
        };
        let stationary = (1.0 / root - 1.0) / learning_rate;
        let coefficient = part * stationary;
        let pull = with.momentum * learning_rate * (coefficient - stationary) / root;
        let access = ExactAccess::new(&constant_recipe(with)?, coefficient)?;
        let mut law = ExactLaw::from_buffer_coefficient(coefficient)?;
        let mut largest = 0.0;
        for step in 0..100 {
            let streamed = law.step(with)?;
            let steps = step as f64 + 1.0;
            let closed = (steps * root.ln() + (-pull * steps).ln_1p()) * tamper.factor::<f64>();
            let off = (closed - streamed.ln_scale_after).abs() / (1.0 + closed.abs());
            let found = access.at(step);
            largest = worse(off, largest);
            largest = worse(step_distance(&found, &streamed, Tamper::None), largest);
        }
        Ok(largest)
    })
}

fn field_transient(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (gf61(), gf61(), gf61(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(rate, alpha, beta, start), tamper| {
            let one = Gf61::ONE;
            let momentum = alpha * beta;
            let decay = (one - alpha) * (one - beta) / rate;
            let apart = |shrink: Gf61| (shrink - alpha) / (shrink - beta);
            let ratio = tamper.mistake(beta / alpha, beta) * tamper.factor();
            let mut law = coupled(rate, decay, momentum, start);
            for _ in 0..settings.field_steps {
                let next = coupled(rate, decay, momentum, law.buffer_coefficient);
                if apart(next.shrink) != ratio * apart(law.shrink) {
                    return Ok(exact(&false, &true));
                }
                law = next;
            }
            Ok(0.0)
        },
    )
}
