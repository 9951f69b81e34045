//! Runs that are the same at another scale.

use std::f64::consts::LN_2;

use super::pair::{gradient_size, relative, worse};
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::companions::NormClipping;
use crate::field::{norm, scaled};
use crate::optimiser::SgdState;
use crate::renormalisation::{
    Bounds, FloatFormat, Magnitudes, Renormaliser, rescaled_learning_rate,
};
use crate::rescaling::{Quantity, Rescaling};
use crate::strategies::{StochasticLoss, convertible_recipe, loss, rayleigh_quotient};
use crate::{ExactLaw, Hyperparameters, Recipe, Schedule};

const STEPS: u64 = 200;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "rescaling/intrinsic-rate",
        words: "only the product of rate and weight decay matters: with the one multiplied and the other divided by a number, the run is the same at another scale",
        formula: "(η, λ) ~ (cη, λ/c)  under  θ → √c θ,  b → b/√c",
        source: "Li, Lyu & Arora, arXiv:2010.02916; texp",
        tolerance: 1e-9,
        property: intrinsic_rate,
    },
    Statement {
        id: "rescaling/commutes-clipping",
        words: "rescaling commutes with a clipped step, the threshold being rescaled like a gradient",
        formula: "Π^c: C → C/c",
        source: OURS,
        tolerance: 1e-13,
        property: commutes_with_clipping,
    },
    Statement {
        id: "renormalisation/plain-run",
        words: "a run in float32 that is renormalised where it would overflow is the plain run, bit for bit, while that is finite, and goes on after it",
        formula: "Π^c, c = 2^{−k}, when due",
        source: OURS,
        tolerance: 0.0,
        property: renormalised,
    },
    Statement {
        id: "renormalisation/rate",
        words: "the renormalised learning rate is the plain one times a power of two, bit for bit",
        formula: "2^{−2K} exp(ln η̃)  as  ldexp(exp(ln η̃), −2K)",
        source: OURS,
        tolerance: 0.0,
        property: rescaled_rate,
    },
];

fn intrinsic_rate(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), -5.0..5.0_f64);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, ln_c), tamper| {
            let (c, root) = (ln_c.exp(), (0.5 * ln_c).exp());
            let mut original = loss.initial_state();
            let mut other = SgdState {
                parameters: scaled(&original.parameters, root),
                buffer: scaled(&original.buffer, 1.0 / root),
            };
            let mut largest = 0.0;
            for step in 0..STEPS {
                let with = recipe.at(step);
                let gradient = |p: &[f64]| loss.gradient(step, p);
                let changed = Hyperparameters {
                    learning_rate: c * with.learning_rate * tamper.factor::<f64>(),
                    weight_decay: with.weight_decay / tamper.mistake(c, 1.0),
                    momentum: with.momentum,
                };
                original = original.stepped(gradient, with);
                other = other.stepped(gradient, changed);
                let image = scaled(&original.parameters, root);
                largest = worse(relative(&other.parameters, &image), largest);
            }
            Ok(largest)
        },
    )
}

fn commutes_with_clipping(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (
        convertible_recipe(STEPS),
        loss(),
        -3.0..0.0,
        -10.0..10.0_f64,
    );
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, ln_threshold, ln_c): (_, _, f64, _), tamper| {
            let rescaling = Rescaling::new(ln_c.exp())?;
            let clipping = NormClipping {
                threshold: ln_threshold.exp(),
                epsilon: 0.0,
            };
            let threshold = rescaling.apply(Quantity::ClippingThreshold, clipping.threshold);
            let rescaled = NormClipping {
                threshold: tamper.mistake(threshold, clipping.threshold) * tamper.factor::<f64>(),
                ..clipping
            };
            let (mut state, mut largest) = (loss.initial_state(), 0.0);
            for step in 0..STEPS {
                let clipped = |clipping: NormClipping| {
                    let loss = &loss;
                    move |p: &[f64]| {
                        let gradient = loss.gradient(step, p);
                        scaled(&gradient, clipping.factor(norm(&gradient)))
                    }
                };
                let with = recipe.at(step);
                let size = gradient_size(&clipped(clipping)(&state.parameters), &state.parameters);
                let there = rescaling
                    .state(&state)
                    .stepped(clipped(rescaled), rescaling.hyperparameters(&with));
                let terms = with.momentum * norm(&state.buffer)
                    + size
                    + with.weight_decay * norm(&state.parameters);
                state = state.stepped(clipped(clipping), with);
                let image = rescaling.state(&state);
                largest = worse(relative(&there.parameters, &image.parameters), largest);
                let back = rescaling.inverse().state(&there);
                largest = worse(
                    super::pair::distance(&back.buffer, &state.buffer, terms),
                    largest,
                );
            }
            Ok(largest)
        },
    )
}

/// In a run that grows by some per cent a step.
fn renormalised(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (rayleigh_quotient(), 0.02..0.12, 0.005..0.02);
    property(settings, tolerance, cases, |(loss, rate, decay), tamper| {
        let constant = Schedule::constant;
        let recipe = Recipe::new(constant(rate)?, constant(decay)?, constant(0.9)?)?;
        let single = loss.in_single_precision();
        let bounds = Bounds {
            smallest: 1e-3,
            largest: 100.0,
        };
        // So wide that something is due long before the plain run overflows.
        let wide = Bounds {
            largest: 1e10,
            ..bounds
        };
        let magnitudes = Magnitudes::new(wide, bounds, 1e3, Bounds::just(1.0), 1)?;
        let mut renormaliser = Renormaliser::new(FloatFormat::F32, magnitudes);
        let mut original = loss.initial_state();
        let (mut plain, mut other) = (single.initial_state(), single.initial_state());
        let mut plain_is_finite = true;
        for step in ExactLaw::new().steps(&recipe).take(8_000) {
            let step = step?;
            // A run whose gradient vanishes does not keep to the bounds.
            if !(bounds.smallest..bounds.largest).contains(&norm(&original.parameters)) {
                break;
            }
            original = original.stepped(|p| loss.gradient(step.step, p), recipe.at(step.step));
            let gradient = |p: &[f32]| single.gradient(step.step, p);
            let without = |learning_rate: f64| Hyperparameters {
                learning_rate: learning_rate as f32,
                weight_decay: 0.0,
                momentum: step.momentum as f32,
            };
            if let Some(due) = renormaliser.before(&step)? {
                other = due.rescaling()?.state(&other);
            }
            let rescaled = renormaliser.learning_rate(&step) * tamper.factor::<f64>();
            other = other.stepped(gradient, without(rescaled));
            // All that a step computes must stay among the normal numbers: ‖θ̃‖² overflows first.
            plain_is_finite &= renormaliser.total() < 60
                && plain.parameters.iter().map(|x| x * x).sum::<f32>() < 1e35;
            let same = if plain_is_finite {
                plain = plain.stepped(gradient, without(step.learning_rate()));
                let total = Rescaling::power_of_two(-renormaliser.total())?;
                other == total.state(&plain)
            } else {
                let mut entries = other.parameters.iter().chain(&other.buffer);
                entries.all(|x| x.is_finite())
            };
            if !same {
                return Ok(exact(&false, &true));
            }
        }
        Ok(0.0)
    })
}

fn rescaled_rate(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (-600.0..600.0_f64, -50..50_i32);
    property(
        settings,
        tolerance,
        cases,
        |(ln_rate, total), tamper: Tamper| {
            // The same in exact arithmetic, but it rounds differently.
            let at_once = (ln_rate - f64::from(2 * total) * LN_2).exp();
            let rate = rescaled_learning_rate(ln_rate, total.into());
            let found = tamper.mistake(rate, at_once) * tamper.factor::<f64>();
            let power = f64::from(-2 * total).exp2();
            Ok(exact(&found, &(ln_rate.exp() * power)))
        },
    )
}
