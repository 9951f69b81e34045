//! What a trainer transforms besides the optimiser: clipping and averages.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::pair::{Pair, gradient_size, relative, sgd_distance, worse};
use super::prime_field;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::check::Start;
use crate::companions::{
    EqualAverage, ExponentialAverage, NormClipping, ValueClipping, norm_of_groups,
};
use crate::field::{Field, Gf61, norm, scaled};
use crate::law::exact::ConstantPhase;
use crate::law::groups::GroupsLaw;
use crate::optimiser::{MovingAverage, SgdState};
use crate::recurrence::{coupled, equal_average, exponential_average};
use crate::strategies::{
    GroupedLoss, Loss, StochasticLoss, blocks_loss, convertible_recipe, exact_rayleigh_quotient,
    gf61, loss, piecewise_constant_recipe,
};
use crate::{EquivalentStep, ExactLaw, Hyperparameters, Recipe};

const STEPS: u64 = 300;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "companions/clip-norm",
        words: "clipping the gradient by its norm before weight decay is clipping at a threshold that follows the scale",
        formula: "C̃_t = C A_t,  ε̃_t = ε A_t",
        source: OURS,
        tolerance: 1e-13,
        property: clip_norm,
    },
    Statement {
        id: "companions/clip-value",
        words: "clipping each entry of the gradient is clipping at a threshold that follows the scale",
        formula: "ṽ_t = v A_t",
        source: OURS,
        tolerance: 1e-13,
        property: clip_value,
    },
    Statement {
        id: "companions/clip-groups",
        words: "where groups have scales of their own, the threshold stays and the norm is the original's",
        formula: "C̃ = C,  ‖g‖ = √Σ_p (‖g̃_p‖/A_t^{(p)})²",
        source: OURS,
        tolerance: 1e-13,
        property: clip_groups,
    },
    Statement {
        id: "companions/exponential-average",
        words: "an exponential moving average of the parameters, corrected step by step, is the original's",
        formula: "ē ← (μ/a_t) ē + (1 − μ) θ̃_{t+1}",
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| averaged(settings, tolerance, Kind::Exponential),
    },
    Statement {
        id: "companions/equal-average",
        words: "a mean of the parameters, taken now and then and corrected each time, is the original's",
        formula: "ē ← (n (A_old/A_new) ē + θ̃)/(n + 1)",
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| averaged(settings, tolerance, Kind::Equal),
    },
    Statement {
        id: "companions/plain-average",
        words: "a plain exponential average of the run without weight decay is an average of the original with a shorter memory",
        formula: "A_t ē_t = (1 − μ)/(1 − μα) e_t,  of decay μα",
        source: OURS,
        tolerance: 1e-9,
        property: plain_average,
    },
    Statement {
        id: "field/averages",
        words: "the corrections of both averages are identities of rational numbers",
        formula: "A_t ē_t = e_t  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: in_the_field,
    },
];

/// The largest deviation of single steps in which `clip(gradient, ln A_t)` comes before weight decay.
fn clipped(
    (recipe, loss): (&Recipe, &Loss),
    tamper: Tamper,
    clip: impl Fn(Vec<f64>, f64) -> Vec<f64>,
) -> Result<f64, TestCaseError> {
    let mut pair = Pair::new(Start::Resynchronised, loss.initial_state());
    let (mut law, mut largest) = (ExactLaw::new(), 0.0);
    for t in 0..STEPS {
        let with = recipe.at(t);
        let step = law.step(with)?;
        // The threshold is what the statement is about.
        let ln_scale = tamper.mistake(step.ln_scale, step.ln_scale_after);
        let ln_scale = ln_scale + tamper.factor::<f64>().ln();
        let gradient = |p: &[f64]| loss.gradient(t, p);
        let around = pair.step(
            |state| state.equivalent(step.ln_scale.exp(), step.buffer_coefficient),
            |state| state.stepped(|p| clip(gradient(p), 0.0), with),
            |state| state.stepped(|p| clip(gradient(p), ln_scale), step.hyperparameters()),
        );
        let before = &around.before.parameters;
        let size = gradient_size(&gradient(before), before);
        largest = worse(largest, sgd_distance(&around, size, with, &step));
    }
    Ok(largest)
}

/// Thresholds about as large as gradients.
fn threshold() -> impl Strategy<Value = f64> {
    (-3.0..0.0_f64).prop_map(f64::exp)
}

fn clip_norm(settings: &Settings, tolerance: f64) -> Outcome {
    let epsilon = prop_oneof![Just(1e-6), 0.0..0.1];
    let cases = (convertible_recipe(STEPS), loss(), threshold(), epsilon);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, threshold, epsilon), tamper| {
            let clipping = NormClipping { threshold, epsilon };
            clipped((&recipe, &loss), tamper, |gradient, ln_scale| {
                let factor = clipping.equivalent(ln_scale).factor(norm(&gradient));
                scaled(&gradient, factor)
            })
        },
    )
}

fn clip_value(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), threshold());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, threshold), tamper| {
            let clipping = ValueClipping { threshold };
            clipped((&recipe, &loss), tamper, |gradient, ln_scale| {
                let twin = clipping.equivalent(ln_scale);
                gradient
                    .into_iter()
                    .map(|entry| twin.clipped(entry))
                    .collect()
            })
        },
    )
}

fn clip_groups(settings: &Settings, tolerance: f64) -> Outcome {
    let recipes = [(); 3].map(|()| convertible_recipe(STEPS));
    let cases = (recipes, blocks_loss(), threshold());
    property(
        settings,
        tolerance,
        cases,
        |(recipes, loss, threshold), tamper| {
            let clipping = NormClipping::pytorch(threshold);
            let pair = |state| Pair::new(Start::Resynchronised, state);
            let mut pairs: Vec<_> = loss.initial_states().into_iter().map(pair).collect();
            let (mut law, mut largest) = (GroupsLaw::new(&loss.roles())?, 0.0);
            let mut original = loss.initial_states();
            for t in 0..STEPS {
                let with: Vec<Hyperparameters> =
                    recipes.iter().map(|recipe| recipe.at(t)).collect();
                let steps: Vec<EquivalentStep> = law
                    .step(&with)?
                    .iter()
                    .map(|step| step.equivalent)
                    .collect();
                let gradient = |states: &[SgdState]| {
                    let parameters: Vec<_> = states.iter().map(|s| s.parameters.clone()).collect();
                    loss.gradient(t, &parameters)
                };
                let images: Vec<SgdState> = original
                    .iter()
                    .zip(&steps)
                    .map(|(s, step)| s.equivalent(step.ln_scale.exp(), step.buffer_coefficient))
                    .collect();
                let (here, there) = (gradient(&original), gradient(&images));
                let factor = clipping.factor(norm_of_groups(here.iter().map(|g| (norm(g), 0.0))));
                let norms = there.iter().zip(&steps);
                let norms = norms.map(|(g, step)| (norm(g), tamper.mistake(step.ln_scale, 0.0)));
                let twin_factor = clipping.factor(norm_of_groups(norms)) * tamper.factor::<f64>();
                for (index, pair) in pairs.iter_mut().enumerate() {
                    let (with, step) = (with[index], &steps[index]);
                    let around = pair.step(
                        |_| images[index].clone(),
                        |state| state.stepped(|_| scaled(&here[index], factor), with),
                        |state| {
                            let clipped = |_: &[f64]| scaled(&there[index], twin_factor);
                            state.stepped(clipped, step.hyperparameters())
                        },
                    );
                    let size = gradient_size(&here[index], &around.before.parameters);
                    largest = worse(largest, sgd_distance(&around, size.max(1.0), with, step));
                    original[index] = around.after;
                }
            }
            Ok(largest)
        },
    )
}

/// Of an average.
#[derive(Clone, Copy)]
enum Kind {
    Exponential,
    Equal,
}

fn averaged(settings: &Settings, tolerance: f64, kind: Kind) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), 0.0..0.999, 1..5_u64);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, decay, every), tamper| {
            let ema = ExponentialAverage { decay };
            let mut law = ExactLaw::new();
            let mut original = loss.initial_state();
            let mut twin = original.clone();
            let mut average = original.parameters.clone();
            let mut of_twin = average.clone();
            let (mut count, mut ln_shrink, mut largest) = (1, 0.0, 0.0);
            for t in 0..STEPS {
                let step = law.step(recipe.at(t))?;
                let gradient = |p: &[f64]| loss.gradient(t, p);
                original = original.stepped(gradient, recipe.at(t));
                twin = twin.stepped(gradient, step.hyperparameters());
                ln_shrink += step.ln_shrink;
                // The original's averages are written as they are defined.
                let (plain, mut corrected) = match kind {
                    Kind::Exponential => (
                        MovingAverage::of_decay(decay),
                        ema.coefficients(step.ln_shrink),
                    ),
                    Kind::Equal if t % every != 0 => continue,
                    Kind::Equal => {
                        let mean = EqualAverage { count };
                        let plain = plain_mean(count as f64);
                        count += 1;
                        (plain, mean.coefficients(ln_shrink))
                    }
                };
                ln_shrink = 0.0;
                corrected.keep = tamper.mistake(corrected.keep, plain.keep);
                corrected.keep *= tamper.factor::<f64>();
                average = plain.updated(&average, &original.parameters);
                of_twin = corrected.updated(&of_twin, &twin.parameters);
                let image = scaled(&average, (-step.ln_scale_after).exp());
                largest = worse(largest, relative(&of_twin, &image));
            }
            Ok(largest)
        },
    )
}

/// The mean of `n` and one more, `(n e + θ)/(n + 1)`.
fn plain_mean<F: Field>(count: F) -> MovingAverage<F> {
    MovingAverage {
        keep: count / (count + F::ONE),
        weight: F::ONE / (count + F::ONE),
    }
}

fn plain_average(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (piecewise_constant_recipe(2), loss(), 0.5..0.9999);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, decay), tamper| {
            let with = recipe.at(0);
            let phase = ConstantPhase::new(with)?;
            let coefficient = phase.stationary_buffer_coefficient();
            let mut law = ExactLaw::from_buffer_coefficient(coefficient)?;
            let mut original = loss.initial_state();
            let mut twin = original.equivalent(1.0, coefficient);
            let plain = ExponentialAverage { decay };
            let shorter = ExponentialAverage {
                decay: tamper.mistake(plain.plain_decay(phase.ln_root()), decay),
            };
            // 1/(1 − μ) and 1/(1 − μα).
            let memories = (
                plain.memory_in_steps(0.0),
                plain.memory_in_steps(phase.ln_root()),
            );
            let ratio = memories.1 / memories.0 * tamper.factor::<f64>();
            let mut average = vec![0.0; original.parameters.len()];
            let (mut of_twin, mut largest) = (average.clone(), 0.0);
            for t in 0..STEPS {
                let step = law.step(with)?;
                let gradient = |p: &[f64]| loss.gradient(t, p);
                original = original.stepped(gradient, with);
                twin = twin.stepped(gradient, step.hyperparameters());
                average = shorter
                    .coefficients(0.0)
                    .updated(&average, &original.parameters);
                of_twin = plain.coefficients(0.0).updated(&of_twin, &twin.parameters);
                let image = scaled(&average, ratio * (-step.ln_scale_after).exp());
                largest = worse(largest, relative(&of_twin, &image));
            }
            Ok(largest)
        },
    )
}

fn in_the_field(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (
        prime_field::hyperparameters(),
        exact_rayleigh_quotient(),
        gf61(),
    );
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, decay), tamper| {
            let mut original = loss.initial_state();
            let mut twin = original.clone();
            let (mut scale, mut coefficient) = (Gf61::ONE, Gf61::ZERO);
            let mut count = Gf61::ONE;
            let [mut exponential, mut equal] = [(); 2].map(|()| original.parameters.clone());
            let mut of_twin = [exponential.clone(), equal.clone()];
            for (step, with) in (0..settings.field_steps).zip(recipe.iter().cycle()) {
                let law = coupled(
                    with.learning_rate,
                    with.weight_decay,
                    with.momentum,
                    coefficient,
                );
                let without = Hyperparameters {
                    learning_rate: with.learning_rate / (scale * scale * law.shrink),
                    weight_decay: Gf61::ZERO,
                    momentum: with.momentum,
                };
                let gradient = |p: &[Gf61]| loss.gradient(step, p);
                original = original.stepped(gradient, *with);
                twin = twin.stepped(gradient, without);
                (scale, coefficient) = (law.shrink * scale, law.buffer_coefficient);
                let take = |average: MovingAverage<Gf61>, memory: &[Gf61]| {
                    average.updated(memory, &original.parameters)
                };
                exponential = take(MovingAverage::of_decay(decay), &exponential);
                equal = take(plain_mean(count), &equal);
                let shrink = tamper.mistake(law.shrink, Gf61::ONE) * tamper.factor::<Gf61>();
                let corrected = [
                    exponential_average(decay, shrink),
                    equal_average(count, shrink),
                ];
                for (memory, average) in of_twin.iter_mut().zip(corrected) {
                    *memory = average.updated(memory, &twin.parameters);
                }
                count = count + Gf61::ONE;
                let images = [&exponential, &equal].map(|e| scaled(e, Gf61::ONE / scale));
                if of_twin != images {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}
