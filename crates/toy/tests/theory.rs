//! What theory says, against what simulations find, with the error that the number of samples leaves.

use std::f64::consts::PI;

use toy::theory::{
    DecayAlone, Equilibrium, HESSIAN, NOISE_BATCH_NORM, NOISE_UNIT_NORM, Nonconvergence,
    expectation, mean_over_rms, norm_alone,
};
use toy::{Batch, Logit, Population, Samples, Scratch, Sgd, loss_and_gradient};

/// Mean and standard error.
struct Sample {
    mean: f64,
    error: f64,
}

impl Sample {
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean,
            error: (squares / (count - 1.0) / count).sqrt(),
        }
    }

    /// Within four standard errors, which chance leaves in 1 of 16,000 cases, and a share that theory itself is off by.
    fn agrees(&self, expected: f64, share: f64) -> bool {
        (self.mean - expected).abs() < 4.0 * self.error + share * expected.abs()
    }
}

/// Gradients of many batches at weights of length 1.5 and angle `angle`, with the seed's step as index.
fn gradients(logit: Logit, angle: f64, size: usize, count: u64) -> Vec<(f64, Vec<f64>)> {
    let weights = [1.5 * angle.cos(), 1.5 * angle.sin(), 0.0, 0.0];
    let (samples, mut batch) = (Samples::new(17), Batch::new(4, size));
    let mut scratch = Scratch::default();
    let one = |step| {
        samples.batch(step, &mut batch);
        let mut gradient = vec![0.0; 4];
        let loss = loss_and_gradient(logit, &weights, &batch, &mut gradient, &mut scratch);
        (loss, gradient)
    };
    (0..count).map(one).collect()
}

#[test]
fn expected_gradients_and_losses_have_their_closed_form() {
    let loss_on_axis = expectation(1.0, |z| (-z.abs()).exp().ln_1p());
    for angle in [0.0, 0.1, 1.0, 2.0, 3.0] {
        for logit in [Logit::UnitNorm, Logit::BatchNorm] {
            // Batch normalisation has a bias of order 1/B: its batches are large.
            let drawn = gradients(logit, angle, 4000, 400);
            for index in 0..3 {
                let axis = if index == 0 { 1.0 } else { 0.0 };
                let own = [angle.cos(), angle.sin(), 0.0][index];
                let expected = -HESSIAN / 1.5 * (axis - angle.cos() * own);
                let values: Vec<f64> = drawn.iter().map(|(_, gradient)| gradient[index]).collect();
                let found = Sample::of(&values);
                assert!(
                    (found.mean - expected).abs() < 4.0 * found.error + 3e-4,
                    "{logit:?} at {angle}, coordinate {index}: {} ± {}, expected {expected}",
                    found.mean,
                    found.error
                );
            }
            let losses: Vec<f64> = drawn.iter().map(|(loss, _)| *loss).collect();
            let expected = loss_on_axis + HESSIAN * (1.0 - angle.cos());
            assert!(
                Sample::of(&losses).agrees(expected, 2e-4),
                "{logit:?} at {angle}"
            );
        }
        let curvature = |z: f64| 1.0 / ((1.0 + (1.5 * z).exp()) * (1.0 + (-1.5 * z).exp()));
        let curvature = expectation(0.5, curvature);
        let drawn = gradients(Logit::Linear, angle, 4000, 400);
        for (index, own) in [angle.cos(), angle.sin(), 0.0].iter().enumerate() {
            let axis = if index == 0 { HESSIAN } else { 0.0 };
            let values: Vec<f64> = drawn.iter().map(|(_, gradient)| gradient[index]).collect();
            assert!(Sample::of(&values).agrees(curvature * 1.5 * own - axis, 0.0));
        }
    }
}

#[test]
fn gradient_noise_off_the_axis_is_less_under_batch_normalisation() {
    for (logit, noise) in [
        (Logit::UnitNorm, NOISE_UNIT_NORM),
        (Logit::BatchNorm, NOISE_BATCH_NORM),
    ] {
        let size = 256;
        let drawn = gradients(logit, 0.0, size, 8000);
        let squares: Vec<f64> = drawn
            .iter()
            .flat_map(|(_, gradient)| {
                gradient[1..]
                    .iter()
                    .map(|g| 1.5 * 1.5 * size as f64 * g * g)
            })
            .collect();
        let found = Sample::of(&squares);
        // 24,000 squares: a standard error of 0.9 %, so the two constants are 40 of them apart.
        assert!(
            found.agrees(noise, 0.0),
            "{logit:?}: {} ± {}",
            found.mean,
            found.error
        );
    }
}

/// Mean squares of the angle over time, of several seeds.
fn mean_squares(
    logit: Logit,
    size: usize,
    (rate, decay): (f64, f64),
    start: impl Fn(Samples) -> Vec<f64>,
) -> Sample {
    let of_seed = |seed| {
        let samples = Samples::new(seed);
        let mut sgd = Sgd::new(logit, samples, start(samples), size);
        let steps = (10.0 / (rate * decay)) as u64;
        let mut sum = 0.0;
        for step in 0..steps {
            sgd.step(rate, decay);
            if step >= steps / 5 {
                sum += sgd.direction().angle().powi(2);
            }
        }
        sum / (0.8 * steps as f64)
    };
    let seeds: Vec<f64> = (0..12).map(of_seed).collect();
    Sample::of(&seeds)
}

/// On the axis, with a little off it.
fn near_axis(norm: f64) -> impl Fn(Samples) -> Vec<f64> {
    move |samples| {
        let mut weights = samples.direction(10);
        weights.iter_mut().for_each(|w| *w *= 0.1 * norm);
        weights[0] = norm;
        weights
    }
}

#[test]
fn both_come_to_the_predicted_angle_from_noise_to_no_noise() {
    // ρ from 0.03 to 20, with the norm far from where it ends.
    for (logit, size, intrinsic_rate) in [
        (Logit::BatchNorm, 32, 3e-3),
        (Logit::UnitNorm, 32, 3e-3),
        (Logit::BatchNorm, 512, 1e-3),
        (Logit::BatchNorm, 2048, 3e-2),
    ] {
        let theory = Equilibrium::new(logit, 10, size as f64, intrinsic_rate);
        let norm = theory.norm_squared(0.5).sqrt();
        let schedule = (0.5, intrinsic_rate / 0.5);
        let found = mean_squares(logit, size, schedule, near_axis(1.5 * norm));
        let expected = theory.rms_angle().powi(2);
        // Theory is for small angles and for large batches: 2 % off at most.
        assert!(
            found.agrees(expected, 0.02),
            "{logit:?}, batch {size}: {} ± {}, expected {expected}",
            found.mean,
            found.error
        );
        assert!(found.error < 0.04 * expected);
    }
}

#[test]
fn weight_decay_alone_has_a_floor_that_batches_lower() {
    for size in [16, 256] {
        let theory = DecayAlone::new(0.01);
        let expected = theory.rms_angle(10, size as f64, 0.1).powi(2);
        let found = mean_squares(Logit::Linear, size, (0.1, 0.01), near_axis(theory.norm()));
        // The curvature is that at the minimum: 2 % off at most.
        assert!(
            found.agrees(expected, 0.02),
            "batch {size}: {} ± {}, expected {expected}",
            found.mean,
            found.error
        );
    }
}

#[test]
fn without_noise_weight_decay_alone_ends_on_the_axis_at_the_predicted_length() {
    for decay in [1.0, 1e-2, 1e-4] {
        let norm = DecayAlone::new(decay).norm();
        let slope = expectation(1.0 / norm, |z| {
            let z = norm * z;
            1.0 / ((1.0 + z.exp()) * (1.0 + (-z).exp()))
        });
        assert!((norm * (slope + decay) - HESSIAN).abs() < 1e-9);
    }
}

#[test]
fn normalisation_alone_converges_as_the_fourth_root_of_time_whatever_the_rate() {
    for rate in [0.1, 1.0] {
        let of_seed = |seed| {
            let samples = Samples::new(seed);
            let mut sgd = Sgd::new(Logit::BatchNorm, samples, samples.direction(10), 16);
            let mut ratios = 0.0;
            for step in 0..40_000 {
                sgd.step(rate, 0.0);
                if step >= 8_000 {
                    let time = f64::from(step + 1);
                    let theory = norm_alone(Logit::BatchNorm, 10, 16.0, rate, 1.0, time);
                    ratios += (sgd.direction().angle() / theory).powi(2);
                }
            }
            ratios / 32_000.0
        };
        let seeds: Vec<f64> = (0..12).map(of_seed).collect();
        let found = Sample::of(&seeds);
        assert!(
            found.agrees(1.0, 0.03),
            "{rate}: {} ± {}",
            found.mean,
            found.error
        );
    }
}

#[test]
fn the_two_cycle_repels_as_its_determinant_says() {
    let (rate, decay) = (0.1, 0.02);
    let keep: f64 = 1.0 - rate * decay;
    let (angle, norm_squared) = Population::two_cycle(rate, decay);
    // The map of (θ, ln ‖w‖²), the sides exchanged, and its derivatives.
    let step = |angle: f64, ln_square: f64| {
        let norm = (0.5 * ln_square).exp();
        let mut run = Population::new(norm * angle.cos(), norm * angle.sin());
        run.step(rate, decay);
        let end = run.direction();
        (end.angle(), end.norm_squared().ln())
    };
    let size = 1e-5;
    let along = |d_angle: f64, d_ln: f64| {
        let up = step(angle + size * d_angle, norm_squared.ln() + size * d_ln);
        let down = step(angle - size * d_angle, norm_squared.ln() - size * d_ln);
        (
            (up.0 - down.0) / (2.0 * size),
            (up.1 - down.1) / (2.0 * size),
        )
    };
    let ((a, c), (b, d)) = (along(1.0, 0.0), along(0.0, 1.0));
    let (determinant, trace) = (a * d - b * c, a + d);
    assert!(
        (determinant - (1.0 + keep * (1.0 - keep))).abs() < 1e-6,
        "{determinant}"
    );
    assert!(
        (trace - (3.0 * keep * keep + keep - 2.0)).abs() < 1e-6,
        "{trace}"
    );
}

#[test]
fn without_noise_the_angle_comes_in_bursts() {
    let (rate, decay) = (0.1, 0.01);
    let intrinsic = rate * decay;
    let (angle, norm_squared) = Population::two_cycle(rate, decay);
    let mut run = Population::new(norm_squared.sqrt(), 0.5 * angle * norm_squared.sqrt());
    let (mut sum, mut growth, mut below, mut longest) = (0.0, 0.0, 0u32, 0u32);
    for step in 0..200_000 {
        let before = run.direction();
        run.step(rate, decay);
        let after = run.direction();
        if step < 50_000 {
            continue;
        }
        sum += after.angle();
        // The turn is at right angles, so it alone makes the norm grow.
        let kept = (1.0 - intrinsic).powi(2) * before.norm_squared();
        growth += (after.norm_squared() / kept).ln();
        below = if after.angle().powi(2) > intrinsic / 4.0 {
            0
        } else {
            below + 1
        };
        longest = longest.max(below);
    }
    // What it grows by is what decay takes, in any stationary state: √(ηλ/2) is of the mean square of the turns.
    let balance = growth / 150_000.0 / (-2.0 * (1.0 - intrinsic).ln());
    assert!((balance - 1.0).abs() < 0.02, "{balance}");
    // But the mean error is far below 0.22 √(ηλ), and the angle stays below the threshold for longer than 1/(ηλ).
    let mean = sum / 150_000.0 / PI / intrinsic.sqrt();
    assert!((0.005..0.05).contains(&mean), "{mean}");
    let longest = f64::from(longest) * intrinsic;
    assert!((1.2..2.0).contains(&longest), "{longest}");
}

#[test]
fn a_small_norm_is_left_at_once() {
    // The second half of the theorem's proof: once ‖w‖² is as small as the first term makes it, a step leaves the cone with
    // probability p ≥ 1 − e^(−1/9), in both normalisations and for the least m and B.
    let least = 1.0 - (-1f64 / 9.0).exp();
    for (logit, sizes) in [
        (Logit::UnitNorm, vec![1, 2, 3, 16]),
        (Logit::BatchNorm, vec![3, 4, 5, 16]),
    ] {
        for size in sizes {
            for dimension in [3, 4, 20] {
                let (rate, epsilon) = (0.1, 0.05);
                let others = (dimension - 2) as f64;
                let square = rate * others.sqrt() / (64.0 * epsilon * (size as f64).sqrt());
                let mut weights = vec![0.0; dimension];
                weights[0] = square.sqrt();
                let leaves = |trial| {
                    let samples = Samples::of_trial(5, trial);
                    let mut sgd = Sgd::new(logit, samples, weights.clone(), size);
                    sgd.step(rate, 0.06);
                    sgd.direction().angle() > epsilon
                };
                let share = (0..400).filter(|&trial| leaves(trial)).count() as f64 / 400.0;
                // Four standard errors of a share of 400.
                assert!(
                    share - 0.1 > least,
                    "{logit:?}, m = {dimension}, B = {size}: {share}"
                );
            }
        }
    }
}

#[test]
fn the_bound_is_what_its_formula_says_and_says_where_it_says_nothing() {
    let theorem = Nonconvergence {
        intrinsic_rate: 1e-3,
        epsilon: 1e-2,
        dimension: 10,
        batch_size: 64.0,
        delta: 0.05,
    };
    let formula = (64.0 * 2.0 * 1e-2 * 8.0 / (0.1 * 8f64.sqrt())).ln() / (2.0 * 8e-4);
    let bound = theorem.bound(0.1, 2.0).expect("a bound");
    assert!((bound - formula - 9.0 * 20f64.ln()).abs() < 1e-9);
    // A short start leaves only the kicks.
    assert_eq!(theorem.bound(0.1, 1e-9), Some(-9.0 * 0.05f64.ln()));
    let silent = [
        Nonconvergence {
            epsilon: 0.03,
            ..theorem
        },
        Nonconvergence {
            dimension: 2,
            ..theorem
        },
        Nonconvergence {
            dimension: 0,
            ..theorem
        },
        Nonconvergence {
            batch_size: f64::INFINITY,
            ..theorem
        },
        Nonconvergence {
            delta: 0.0,
            ..theorem
        },
        Nonconvergence {
            epsilon: f64::NAN,
            ..theorem
        },
    ];
    for nothing in silent {
        assert_eq!(nothing.bound(0.1, 2.0), None, "{nothing:?}");
    }
}

#[test]
fn means_and_root_mean_squares_of_gaussians() {
    // E χ_9 = √2 Γ(5)/Γ(4.5).
    let gamma = 11.631_728_396_567_448; // Γ(4.5)
    let expected = 2f64.sqrt() * 24.0 / gamma / 3.0;
    assert!((mean_over_rms(9) - expected).abs() < 1e-12);
}
