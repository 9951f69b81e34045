//! The law on random recipes and random stochastic losses: the twins are the same run.

use proptest::prelude::*;
use schedule_core::proptest::{
    Loss, convertible_recipe, loss, piecewise_constant_recipe, resynchronised_deviation, schedule,
    seeded, twin_deviation,
};
use schedule_core::{EquivalentStep, ExactLaw, Hyperparameters, LawError, Recipe, Texp};

const STEPS: u64 = 500;

fn convert(law: ExactLaw, recipe: &Recipe) -> Result<Vec<EquivalentStep>, LawError> {
    law.steps(recipe).take(STEPS as usize).collect()
}

/// TEXP's momentum with the corrections at boundaries, for both runs.
fn corrected(recipe: &Recipe, texp: &Texp, step: u64) -> Option<Hyperparameters> {
    Some(Hyperparameters {
        momentum: texp.boundary_momentum(step)?,
        ..recipe.at(step)
    })
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn rescaled_trajectories_agree_over_500_steps(
        recipe in convertible_recipe(STEPS),
        loss in loss(),
    ) {
        let steps = convert(ExactLaw::new(), &recipe)?;
        let deviation = twin_deviation(&loss, &recipe, &steps);
        prop_assert!(deviation <= 1e-9, "free-running: {deviation:e}");
    }

    #[test]
    fn every_single_step_agrees_to_rounding(
        recipe in convertible_recipe(STEPS),
        loss in loss(),
    ) {
        let steps = convert(ExactLaw::new(), &recipe)?;
        let deviation = resynchronised_deviation(&loss, &recipe, &steps);
        prop_assert!(deviation <= 1e-13, "resynchronised: {deviation:e}");
    }

    #[test]
    fn the_initial_buffer_coefficient_is_free(
        recipe in convertible_recipe(STEPS),
        loss in loss(),
        part in -1.0..1.0,
    ) {
        // Up to κ* of the largest values, so that every a_t stays positive.
        let largest = steps_maximum(&recipe);
        let law = ExactLaw::from_buffer_coefficient(part * largest)?;
        let steps = convert(law, &recipe)?;
        prop_assert_eq!(steps[0].buffer_coefficient, part * largest);
        let free = twin_deviation(&loss, &recipe, &steps);
        prop_assert!(free <= 1e-9, "free-running: {free:e}");
        let single = resynchronised_deviation(&loss, &recipe, &steps);
        prop_assert!(single <= 1e-13, "resynchronised: {single:e}");
    }

    #[test]
    fn texp_is_the_exact_law_with_boundary_momentum(
        recipe in piecewise_constant_recipe(STEPS),
    ) {
        let texp = Texp::new(&recipe)?;
        let mut law = ExactLaw::from_buffer_coefficient(texp.at(0).buffer_coefficient)?;
        for step in 0..STEPS {
            let hyperparameters = corrected(&recipe, &texp, step);
            prop_assume!(hyperparameters.is_some());
            let exact = law.step(hyperparameters.unwrap())?;
            let closed = texp.at(step);
            for (name, a, b) in [
                ("rate", exact.ln_learning_rate, closed.ln_learning_rate),
                ("scale", exact.ln_scale, closed.ln_scale),
                ("scale after", exact.ln_scale_after, closed.ln_scale_after),
                ("shrink", exact.ln_shrink, closed.ln_shrink),
            ] {
                prop_assert!((a - b).abs() <= 1e-12 * (1.0 + a.abs()), "{name} at {step}: {a} {b}");
            }
            let (a, b) = (exact.buffer_coefficient_after, closed.buffer_coefficient_after);
            prop_assert!((a - b).abs() <= 1e-12 * a.abs(), "buffer coefficient at {step}: {a} {b}");
        }
    }

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

/// `κ*` of the largest rate, decay and momentum that the recipe takes.
fn steps_maximum(recipe: &Recipe) -> f64 {
    let largest = (0..STEPS).map(|step| recipe.at(step)).fold(
        Hyperparameters {
            learning_rate: 0.0,
            weight_decay: 0.0,
            momentum: 0.0,
        },
        |so_far, here| Hyperparameters {
            learning_rate: here.learning_rate.max(so_far.learning_rate),
            weight_decay: here.weight_decay.max(so_far.weight_decay),
            momentum: here.momentum.max(so_far.momentum),
        },
    );
    schedule_core::ConstantPhase::new(largest)
        .unwrap()
        .stationary_buffer_coefficient()
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

/// The checks above can fail: each broken law is seen by both, on every kind of loss.
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
        assert!(twin_deviation(&loss, &recipe, &sound) <= 1e-9);
        assert!(resynchronised_deviation(&loss, &recipe, &sound) <= 1e-13);
        for broken in [
            Broken::Decay,
            Broken::RateScale,
            Broken::Momentum,
            Broken::BufferCoefficient,
            Broken::Inverted,
        ] {
            let wrong = converted_by_hand(&recipe, broken);
            let free = twin_deviation(&loss, &recipe, &wrong);
            let single = resynchronised_deviation(&loss, &recipe, &wrong);
            assert!(free > 1e-7, "{broken:?} is not seen by {loss:?}: {free:e}");
            assert!(
                single > 1e-10,
                "{broken:?} is not seen by {loss:?}: {single:e}"
            );
        }
    }
}
