//! What holds of every batch and all weights.

use proptest::prelude::*;
use schedule_core::{ExactLaw, Hyperparameters};
use toy::{Batch, Direction, Logit, Population, Samples, Scratch, Sgd, loss_and_gradient};

const NORMALISED: [Logit; 2] = [Logit::BatchNorm, Logit::UnitNorm];

fn of(logit: Logit, weights: &[f64], batch: &Batch) -> (f64, Vec<f64>) {
    let mut gradient = vec![0.0; weights.len()];
    let loss = loss_and_gradient(
        logit,
        weights,
        batch,
        &mut gradient,
        &mut Scratch::default(),
    );
    (loss, gradient)
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The standard deviation of `⟨w, x⟩` in a batch.
fn spread(weights: &[f64], batch: &Batch) -> f64 {
    let dot = |(x, _): (&[f64], f64)| -> f64 { weights.iter().zip(x).map(|(w, x)| w * x).sum() };
    let logits: Vec<f64> = batch.samples().map(dot).collect();
    let mean = logits.iter().sum::<f64>() / logits.len() as f64;
    let squares = logits.iter().map(|z| (z - mean).powi(2));
    (squares.sum::<f64>() / logits.len() as f64).sqrt()
}

/// Weights of length 1/4 to 4, and a batch.
fn cases() -> impl Strategy<Value = (Vec<f64>, Batch)> {
    (any::<u64>(), 2..7usize, 3..12usize, -2.0..2f64).prop_map(|(seed, dimension, size, log2)| {
        let samples = Samples::new(seed);
        let weights = samples
            .direction(dimension)
            .iter()
            .map(|w| w * log2.exp2())
            .collect();
        let mut batch = Batch::new(dimension, size);
        samples.batch(0, &mut batch);
        (weights, batch)
    })
}

proptest! {
    #[test]
    fn gradients_are_finite_differences((weights, batch) in cases()) {
        let spread = spread(&weights, &batch).min(norm(&weights));
        for logit in [Logit::Linear, Logit::BatchNorm, Logit::UnitNorm] {
            let (_, gradient) = of(logit, &weights, &batch);
            for index in 0..weights.len() {
                // Fourth order, with steps that are small beside what logits are divided by.
                let size = 1e-3 * spread;
                let at = |steps: f64| {
                    let mut moved = weights.clone();
                    moved[index] += steps * size;
                    of(logit, &moved, &batch).0
                };
                let slope = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * size);
                let gap = (slope - gradient[index]).abs();
                prop_assert!(gap < 1e-7 * (1.0 + 1.0 / spread), "{logit:?} {slope} {gradient:?}");
            }
        }
    }

    #[test]
    fn the_length_of_weights_does_not_matter((weights, batch) in cases(), log2 in -30..30) {
        for logit in NORMALISED {
            let (loss, gradient) = of(logit, &weights, &batch);
            // A power of two is exact, so that is no matter of tolerance.
            let scale = f64::from(log2).exp2();
            let scaled: Vec<f64> = weights.iter().map(|w| w * scale).collect();
            let (same, over) = of(logit, &scaled, &batch);
            prop_assert_eq!(loss, same);
            let over: Vec<f64> = over.iter().map(|g| g * scale).collect();
            prop_assert_eq!(&gradient, &over);
            let along: f64 = weights.iter().zip(&gradient).map(|(w, g)| w * g).sum();
            prop_assert!(along.abs() < 1e-13 * (1.0 + norm(&weights) * norm(&gradient)), "{logit:?} {along}");
        }
    }

    #[test]
    fn two_samples_of_batch_norm_teach_nothing(seed in any::<u64>(), dimension in 1..6usize) {
        let samples = Samples::new(seed);
        let mut batch = Batch::new(dimension, 2);
        samples.batch(0, &mut batch);
        let weights = samples.direction(dimension);
        let (_, gradient) = of(Logit::BatchNorm, &weights, &batch);
        // The logits' rounding is divided by this, and so is the gradient.
        let spread = spread(&weights, &batch);
        prop_assert!(norm(&gradient) * spread * spread < 1e-13, "{gradient:?}");
    }

    /// The population in the plane is the population in m dimensions.
    #[test]
    fn a_step_of_the_population_is_its_gradients(seed in any::<u64>(), rate in 0.01..2f64, decay in 0.0..0.3f64) {
        let weights = Samples::new(seed).direction(4);
        let cos = weights[0] / norm(&weights);
        let hessian = toy::theory::HESSIAN / norm(&weights);
        let mut moved: Vec<f64> = Vec::new();
        for (index, w) in weights.iter().enumerate() {
            let axis = if index == 0 { 1.0 } else { 0.0 };
            let gradient = -hessian * (axis - cos * w / norm(&weights));
            moved.push(w - rate * (gradient + decay * w));
        }
        let start = Direction::of(&weights);
        let mut population = Population::new(start.along, start.off);
        population.step(rate, decay);
        let (one, other) = (population.direction(), Direction::of(&moved));
        prop_assert!((one.along - other.along).abs() < 1e-14, "{one:?} {other:?}");
        prop_assert!((one.off - other.off).abs() < 1e-14, "{one:?} {other:?}");
    }

    /// The theorem that the rest of the workspace is about, resynchronised: at every step the twin without weight
    /// decay is put where the law says, and one step of each agrees.
    #[test]
    fn weight_decay_is_an_exponential_rate(seed in any::<u64>(), rate in 0.05..1f64, decay in 0.001..0.1f64) {
        for logit in NORMALISED {
            let samples = Samples::new(seed);
            let mut original = Sgd::new(logit, samples, samples.direction(5), 8);
            let mut twin = original.clone();
            let mut law = ExactLaw::new();
            let mut scale = 1.0;
            for step in 0..200 {
                // Rates of a schedule, which the law allows.
                let learning_rate = rate * (1.0 + 0.5 * f64::from(step % 7));
                let mapped: Vec<f64> = original.weights().iter().map(|w| w / scale).collect();
                twin.set_weights(&mapped);
                let sgd = Hyperparameters { learning_rate, weight_decay: decay, momentum: 0.0 };
                let converted = law.step(sgd).expect("ηλ is below 1");
                original.step(learning_rate, decay);
                twin.step(converted.learning_rate(), 0.0);
                scale *= converted.shrink;
                let gap = (original.direction().angle() - twin.direction().angle()).abs();
                prop_assert!(gap < 1e-12, "{logit:?}, step {step}: {gap:e}");
            }
        }
    }
}

#[test]
fn free_running_twins_stay_together_while_rounding_is_small() {
    let samples = Samples::new(11);
    let mut original = Sgd::new(Logit::BatchNorm, samples, samples.direction(10), 64);
    let mut twin = original.clone();
    let mut law = ExactLaw::new();
    for _ in 0..2000 {
        let sgd = Hyperparameters {
            learning_rate: 0.1,
            weight_decay: 0.01,
            momentum: 0.0,
        };
        let converted = law.step(sgd).expect("ηλ is below 1");
        original.step(0.1, 0.01);
        twin.step(converted.learning_rate(), 0.0);
        let gap = (original.direction().angle() - twin.direction().angle()).abs();
        assert!(gap < 1e-10, "{gap:e}");
    }
}
