//! What the exact law and TEXP do on random recipes, beyond the statements of `spec`.

use proptest::prelude::*;
use schedule_core::check::{Start, largest_distance};
use schedule_core::law::texp::Texp;
use schedule_core::strategies::{
    Loss, StochasticLoss, convertible_recipe, loss, piecewise_constant_recipe, schedule, seeded,
};
use schedule_core::{EquivalentStep, ExactLaw, Hyperparameters, LawError, Recipe};

const STEPS: u64 = 500;

fn convert(law: ExactLaw, recipe: &Recipe) -> Result<Vec<EquivalentStep>, LawError> {
    law.steps(recipe).take(STEPS as usize).collect()
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn texp_without_correction_differs_by_the_settled_amounts(
        recipe in piecewise_constant_recipe(STEPS),
    ) {
        // Only to second order where a boundary comes before the last transient has gone, so each
        // phase is entered with the exact law's own κ.
        let texp = Texp::new(&recipe)?;
        let steps = convert(ExactLaw::new(), &recipe)?;
        for phase in texp.phases() {
            let entered = &steps[phase.start as usize];
            let alone = phase.phase.settled_ln_difference(entered.buffer_coefficient);
            prop_assert!(alone.is_some(), "a convertible phase settles");
            let mut law = ExactLaw::from_buffer_coefficient(entered.buffer_coefficient)?;
            let far = 20_000;
            for _ in 0..far {
                law.step(phase.phase.hyperparameters())?;
            }
            let difference = -2.0 * (law.ln_scale() - far as f64 * phase.phase.ln_root());
            prop_assert!((difference - alone.unwrap()).abs() <= 1e-11, "{difference} {alone:?}");
        }
    }

    /// What the error for `a_t ≤ 0` promises.
    #[test]
    fn the_largest_values_decide(
        momentum in 0.001..0.999,
        part in 0.0..1.0,
        (rate, decay, memory) in (schedule(0.0..1.0, STEPS), schedule(0.0..1.0, STEPS), schedule(0.0..1.0, STEPS)),
    ) {
        let largest = part * (1.0 - f64::sqrt(momentum)).powi(2);
        let mut law = ExactLaw::new();
        for step in 0..STEPS {
            let learning_rate = rate.at(step);
            let weight_decay = largest * decay.at(step);
            law.step(Hyperparameters { learning_rate, weight_decay, momentum: momentum * memory.at(step) })?;
        }
    }

    #[test]
    fn conversion_is_a_pure_function_of_the_recipe(recipe in convertible_recipe(STEPS)) {
        let whole = convert(ExactLaw::new(), &recipe)?;
        let mut half = ExactLaw::new().steps(&recipe);
        let first: Vec<_> = half.by_ref().take(250).collect::<Result<_, _>>()?;
        let resumed = half.law().clone().steps(&recipe).take(250);
        let both: Vec<_> = first.into_iter().map(Ok).chain(resumed).collect::<Result<_, _>>()?;
        prop_assert_eq!(whole, both);
    }
}

/// The recurrence written again, with a place to break it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Broken {
    Nothing,
    /// The decay is one part in a thousand too large.
    Decay,
    /// `η̃ = η/A_t²`.
    RateScale,
    /// `d = λ`, as if there were no momentum.
    Momentum,
    /// `κ = d`.
    BufferCoefficient,
    /// `η̃ = η A_t A_{t+1}`, `A` inverted.
    Inverted,
}

fn converted_by_hand(recipe: &Recipe, broken: Broken) -> Vec<EquivalentStep> {
    let (mut kappa, mut ln_scale) = (0.0, 0.0);
    let steps = ExactLaw::new().steps(recipe).take(STEPS as usize);
    steps
        .map(|step| {
            let mut step = step.unwrap();
            let Hyperparameters {
                learning_rate,
                mut weight_decay,
                mut momentum,
            } = recipe.at(step.step);
            weight_decay *= if broken == Broken::Decay { 1.001 } else { 1.0 };
            momentum *= if broken == Broken::Momentum { 0.0 } else { 1.0 };
            let decay = weight_decay + momentum * kappa;
            let shrink = 1.0 - learning_rate * decay;
            step.buffer_coefficient = kappa;
            step.ln_scale = ln_scale;
            ln_scale += shrink.ln();
            kappa = if broken == Broken::BufferCoefficient {
                decay
            } else {
                decay / shrink
            };
            step.buffer_coefficient_after = kappa;
            step.ln_scale_after = ln_scale;
            let exponent = match broken {
                Broken::RateScale => 2.0 * step.ln_scale,
                Broken::Inverted => -step.ln_scale - step.ln_scale_after,
                _ => step.ln_scale + step.ln_scale_after,
            };
            step.ln_learning_rate = learning_rate.ln() - exponent;
            step
        })
        .collect()
}

fn distance(loss: &Loss, recipe: &Recipe, steps: &[EquivalentStep], start: Start) -> f64 {
    let gradient = |step: u64, parameters: &[f64]| loss.gradient(step, parameters);
    let pairs = steps.iter().map(|step| (recipe.at(step.step), *step));
    largest_distance(start, loss.initial_state(), gradient, pairs)
}

/// The distances can tell: each broken law is seen by both, on every kind of loss.
#[test]
fn broken_laws_are_seen() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use schedule_core::Schedule;

    let mut runner = TestRunner::deterministic();
    let recipe = Recipe::new(
        Schedule::step_decay(0.1, 0.5, &[200, 350]).unwrap(),
        Schedule::constant(0.01).unwrap(),
        Schedule::constant(0.9).unwrap(),
    )
    .unwrap();
    for _ in 0..12 {
        let loss: Loss = loss().new_tree(&mut runner).unwrap().current();
        let sound = converted_by_hand(&recipe, Broken::Nothing);
        assert!(distance(&loss, &recipe, &sound, Start::Free) <= 1e-9);
        assert!(distance(&loss, &recipe, &sound, Start::Resynchronised) <= 1e-13);
        for broken in [
            Broken::Decay,
            Broken::RateScale,
            Broken::Momentum,
            Broken::BufferCoefficient,
            Broken::Inverted,
        ] {
            let wrong = converted_by_hand(&recipe, broken);
            let free = distance(&loss, &recipe, &wrong, Start::Free);
            let single = distance(&loss, &recipe, &wrong, Start::Resynchronised);
            assert!(free > 1e-7, "{broken:?} is not seen by {loss:?}: {free:e}");
            assert!(
                single > 1e-10,
                "{broken:?} is not seen by {loss:?}: {single:e}"
            );
        }
    }
}
