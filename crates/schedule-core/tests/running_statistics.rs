//! Running statistics of the twins, as a normaliser keeps them.

use proptest::prelude::*;
use schedule_core::optimiser::SgdState;
use schedule_core::proptest::{StochasticLoss, convertible_recipe, loss, seeded};
use schedule_core::{EquivalentStep, ExactLaw, Hyperparameters, RunningStatisticsCorrection};

/// Weight of the newest batch.
const WEIGHT: f64 = 0.1;

/// The mean and variance of an input of some degree in the parameters, on the batch of a step.
fn batch_statistics(state: &SgdState, step: u64, degree: i32) -> (f64, f64) {
    let features = state
        .parameters
        .iter()
        .zip(1..)
        .map(|(p, k)| p * (step as f64 * f64::from(k)).cos());
    let sum: f64 = features.sum();
    (
        sum.powi(degree),
        sum.powi(2 * degree) + state.parameters[0].abs().powi(2 * degree),
    )
}

fn update(running: &mut (f64, f64), batch: (f64, f64)) {
    running.0 += WEIGHT * (batch.0 - running.0);
    running.1 += WEIGHT * (batch.1 - running.1);
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn corrected_statistics_are_those_of_the_twin(
        recipe in convertible_recipe(200),
        loss in loss(),
        degree in 0..=3,
    ) {
        let steps: Vec<EquivalentStep> = ExactLaw::new().steps(&recipe).take(200).collect::<Result<_, _>>()?;
        let mut original = loss.initial_state();
        let mut twin = original.clone();
        let (mut of_original, mut of_twin, mut uncorrected) = ((0.5, 1.0), (0.5, 1.0), (0.5, 1.0));
        for with in &steps {
            update(&mut of_original, batch_statistics(&original, with.step, degree));
            update(&mut of_twin, batch_statistics(&twin, with.step, degree));
            update(&mut uncorrected, batch_statistics(&twin, with.step, degree));
            original = original.stepped(|p| loss.gradient(with.step, p), recipe.at(with.step));
            let (learning_rate, momentum) = (with.learning_rate(), with.momentum);
            let without = Hyperparameters { learning_rate, weight_decay: 0.0, momentum };
            twin = twin.stepped(|p| loss.gradient(with.step, p), without);

            // Due before the next update, and before this state is evaluated.
            let correction = with.running_statistics_correction(f64::from(degree));
            correction.apply(&mut of_twin.0, &mut of_twin.1);
            let whole = RunningStatisticsCorrection::new(with.ln_scale_after, f64::from(degree));
            let expected = (of_original.0 * whole.mean, of_original.1 * whole.variance);
            prop_assert!((of_twin.1 - expected.1).abs() <= 1e-9 * expected.1, "variance at {}", with.step);
            let mean_size = expected.1.sqrt();
            prop_assert!((of_twin.0 - expected.0).abs() <= 1e-9 * mean_size, "mean at {}", with.step);
            prop_assert!(degree > 0 || of_twin == uncorrected, "degree 0 needs no correction");
        }
        let growth = -f64::from(degree) * steps[199].ln_shrink;
        if growth > 1e-4 {
            let off = (uncorrected.1 / of_twin.1 - 1.0).abs();
            prop_assert!(off > growth, "uncorrected statistics lag behind: {off:e}");
        }
    }
}
