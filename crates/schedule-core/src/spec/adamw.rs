//! AdamW as Adam.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::pair::{Pair, distance, gradient_size, relative, worse};
use super::property::property;
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::check::Start;
use crate::field::norm;
use crate::law::decoupled::{AdamStep, AdamWLaw};
use crate::optimiser::{AdamWCoefficients, AdamWHyperparameters, AdamWState};
use crate::strategies::{Loss, StochasticLoss, convertible_recipe, loss};

const STEPS: u64 = 300;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "adamw/adam",
        words: "every single step of AdamW is a step of Adam with the original's gradient weights and bias corrections",
        formula: "η̃_t = η_t/A_{t+1},  β̃_1 = β_1 a_{t−1},  β̃_2 = β_2 a_{t−1}²,  ε̃_t = ε A_t",
        source: OURS,
        tolerance: 1e-12,
        property: |settings, tolerance| adamw(settings, tolerance, Form::OwnStep),
    },
    Statement {
        id: "adamw/stock-adam",
        words: "the same is a step of a stock Adam, whose four hyperparameters all change",
        formula: "β̂_1 = 1 − s_{t+1}(1 − β_1),  β̂_2 = 1 − q_{t+1}(1 − β_2),  η̂ = η̃ĉ_1/(c_1s_{t+1}h),  ε̂ = ε̃/h",
        source: OURS,
        tolerance: 1e-12,
        property: |settings, tolerance| adamw(settings, tolerance, Form::Stock),
    },
];

/// Of the step of Adam.
#[derive(Clone, Copy)]
enum Form {
    OwnStep,
    Stock,
}

fn adamw(settings: &Settings, tolerance: f64, form: Form) -> Outcome {
    let epsilon = prop_oneof![Just(0.0), Just(1e-8), 1e-3..1.0];
    let cases = (convertible_recipe(STEPS), loss(), 0.5..0.999, epsilon);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, beta2, epsilon), tamper| {
            let parameters = loss.initial_state().parameters;
            let zeros = vec![0.0; parameters.len()];
            let initial = AdamWState {
                parameters,
                first_moment: zeros.clone(),
                second_moment: zeros,
            };
            adamw_deviation(form, initial, (&loss, tamper), |t| {
                let with = recipe.at(t);
                AdamWHyperparameters {
                    learning_rate: with.learning_rate,
                    weight_decay: with.weight_decay,
                    beta1: with.momentum,
                    beta2,
                    epsilon,
                }
            })
        },
    )
}

/// What a stock Adam makes of `η̃`, `β̃` and `ε̃`.
fn stock(step: &AdamStep, t: u64) -> AdamWCoefficients {
    let hyperparameters = AdamWHyperparameters {
        learning_rate: step.decoupled.learning_rate(),
        weight_decay: 0.0,
        beta1: step.beta1,
        beta2: step.beta2,
        epsilon: step.epsilon(),
    };
    hyperparameters.coefficients(t)
}

fn adamw_deviation(
    form: Form,
    initial: AdamWState,
    (loss, tamper): (&Loss, Tamper),
    at: impl Fn(u64) -> AdamWHyperparameters,
) -> Result<f64, TestCaseError> {
    let mut pair = Pair::new(Start::Resynchronised, initial);
    let (mut law, mut largest) = (AdamWLaw::new(), 0.0);
    // Of a stock optimiser's moments.
    let mut gauge = (1.0, 1.0);
    for t in 0..STEPS {
        let with = at(t);
        let mut step = law.step(with)?;
        step.decoupled.ln_learning_rate += tamper.factor::<f64>().ln();
        step.stock.ln_learning_rate += tamper.factor::<f64>().ln();
        step.stock.ln_epsilon = tamper.mistake(step.stock.ln_epsilon, with.epsilon.ln());
        let gradient = |p: &[f64]| loss.gradient(t, p);
        let (coefficients, gauge_after) = match form {
            Form::OwnStep => (
                // A stock Adam's weights and bias corrections are those of β̃.
                tamper.mistake(step.coefficients(), stock(&step, t)),
                gauge,
            ),
            Form::Stock => (
                step.stock.hyperparameters().coefficients(t),
                (
                    step.stock.first_moment_scale_after,
                    step.stock.second_moment_scale_after,
                ),
            ),
        };
        let image = |state: &AdamWState, ln_scale: f64, ln_memory: f64, gauge: (f64, f64)| {
            let mut image = state.equivalent(ln_scale.exp(), ln_memory.exp());
            image.first_moment.iter_mut().for_each(|m| *m *= gauge.0);
            image.second_moment.iter_mut().for_each(|v| *v *= gauge.1);
            image
        };
        let (ln_before, ln_after) = (step.decoupled.ln_scale, step.decoupled.ln_scale_after);
        let around = pair.step(
            |state| image(state, ln_before, step.decoupled.ln_memory_scale, gauge),
            |state| state.stepped(gradient, &with.coefficients(t)),
            |state| state.stepped(gradient, &coefficients),
        );
        gauge = gauge_after;
        let expected = image(&around.after, ln_after, ln_before, gauge);
        let before = &around.before;
        let of_gradient = gradient_size(&gradient(&before.parameters), &before.parameters);
        let first = norm(&before.first_moment) + of_gradient;
        let second = norm(&before.second_moment) + of_gradient.powi(2);
        let scale = ln_before.exp();
        let twin = &around.twin;
        for deviation in [
            relative(&twin.parameters, &expected.parameters),
            distance(
                &twin.first_moment,
                &expected.first_moment,
                scale * gauge.0 * first,
            ),
            distance(
                &twin.second_moment,
                &expected.second_moment,
                scale.powi(2) * gauge.1 * second,
            ),
        ] {
            largest = worse(largest, deviation);
        }
    }
    Ok(largest)
}
