//! The exact law at any step, against the streaming law.

use crate::common::constant;
use proptest::prelude::*;
use schedule_core::strategies::{edge_recipe, piecewise_constant_schedule, seeded};
use schedule_core::{ExactAccess, ExactLaw, LawError, Recipe, Schedule};

const MILLION: u64 = 1_000_000;

fn recipe(rates: &[f64], decays: &[f64], momenta: &[f64], boundaries: &[u64]) -> Recipe {
    let schedule = |values: &[f64]| match values {
        [value] => Schedule::constant(*value).unwrap(),
        values => Schedule::piecewise(values, boundaries).unwrap(),
    };
    Recipe::new(schedule(rates), schedule(decays), schedule(momenta)).unwrap()
}

/// The largest of `|Δ ln η̃| / (1e-11 + 1e-14·|ln η̃|)` and the like, over steps that are dense at the
/// start and near boundaries.
fn largest_excess(recipe: &Recipe, coefficient: f64, steps: u64) -> Result<f64, LawError> {
    let access = ExactAccess::new(recipe, coefficient)?;
    let starts: Vec<u64> = recipe
        .phases()
        .unwrap()
        .iter()
        .map(|phase| phase.start)
        .collect();
    let near = |step: u64| starts.iter().any(|start| step.abs_diff(*start) < 50);
    let law = ExactLaw::from_buffer_coefficient(coefficient)?;
    let mut largest = 0.0_f64;
    for streamed in law.steps(recipe).take(steps as usize) {
        let streamed = streamed?;
        let step = streamed.step;
        if !(near(step) || step % 997 == 0 || step + 1 == steps) {
            continue;
        }
        let found = access.at(step);
        assert_eq!((found.step, found.momentum), (step, streamed.momentum));
        for (a, b) in [
            (found.ln_learning_rate, streamed.ln_learning_rate),
            (found.ln_scale, streamed.ln_scale),
            (found.ln_scale_after, streamed.ln_scale_after),
            (found.ln_shrink, streamed.ln_shrink),
            (found.shrink, streamed.shrink),
        ] {
            let excess = if a == b {
                0.0
            } else {
                (a - b).abs() / (1e-11 + 1e-14 * b.abs())
            };
            largest = if excess > largest || excess.is_nan() {
                excess
            } else {
                largest
            };
        }
        for (a, b) in [
            (found.buffer_coefficient, streamed.buffer_coefficient),
            (
                found.buffer_coefficient_after,
                streamed.buffer_coefficient_after,
            ),
        ] {
            let excess = (a - b).abs() / (1e-11 * (1.0 + b.abs()));
            largest = if excess > largest || excess.is_nan() {
                excess
            } else {
                largest
            };
        }
    }
    Ok(largest)
}

proptest! {
    #![proptest_config(seeded())]

    /// At the edge: rates of 0, momenta near 1, roots that nearly meet.
    #[test]
    fn at_the_edge_it_is_the_streaming_law(recipe in edge_recipe(3_000)) {
        let excess = largest_excess(&recipe, 0.0, 5_000)?;
        prop_assert!(excess <= 1.0, "{excess}");
    }

    /// From `κ*` the law shrinks by `α` at once, also where the roots nearly meet.
    #[test]
    fn at_the_edge_the_stationary_coefficient_stays(recipe in edge_recipe(100)) {
        for phase in recipe.phases().unwrap() {
            let closed = schedule_core::law::exact::ConstantPhase::new(phase.hyperparameters)?;
            let mut law = ExactLaw::from_buffer_coefficient(closed.stationary_buffer_coefficient())?;
            for _ in 0..100 {
                let step = law.step(phase.hyperparameters)?;
                prop_assert!((step.ln_shrink - closed.ln_root()).abs() <= 1e-13, "{step:?} {closed:?}");
            }
        }
    }

    /// Any numbers at all: an error, or a number at every step.
    #[test]
    fn it_is_total(
        rates in prop::collection::vec(any::<f64>(), 3),
        decays in prop::collection::vec(any::<f64>(), 3),
        momentum: f64,
        boundaries in [1..1_000_u64, 1_000..u64::MAX],
        coefficient in prop_oneof![Just(0.0), any::<f64>()],
        step: u64,
    ) {
        let positive = |values: Vec<f64>| -> Vec<f64> {
            // Half of them of a size that can be converted.
            values.iter().map(|x| if x.is_sign_negative() { x.abs().fract() } else { *x }).collect()
        };
        let schedule = |values: Vec<f64>| Schedule::piecewise(&positive(values), &boundaries);
        let (Ok(rates), Ok(decays), Ok(momentum)) = (schedule(rates), schedule(decays), Schedule::constant(momentum.abs().fract())) else {
            return Ok(());
        };
        let recipe = Recipe::new(rates, decays, momentum).unwrap();
        if let Ok(access) = ExactAccess::new(&recipe, coefficient) {
            for step in [0, 1, step, boundaries[1] - 1, boundaries[1], u64::MAX] {
                let found = access.at(step);
                prop_assert!(found.ln_learning_rate < f64::INFINITY, "{found:?}");
                prop_assert!(found.shrink > 0.0 && found.buffer_coefficient.is_finite(), "{found:?}");
            }
        }
    }

    /// Any roots, any buffer: the same steps, and the same end.
    #[test]
    fn it_ends_where_the_streaming_law_does(
        rates in piecewise_constant_schedule(0.0..1.0, 300),
        decays in piecewise_constant_schedule(0.0..0.1, 300),
        momenta in piecewise_constant_schedule(0.0..1.0, 300),
        part in 0.0..1.0,
        coefficient in prop_oneof![Just(0.0), -2.0..2.0],
    ) {
        let scaled = |schedule: Schedule, by: f64| {
            let phases = schedule.phases().unwrap();
            let values: Vec<f64> = phases.iter().map(|phase| phase.value * by).collect();
            let starts: Vec<u64> = phases.iter().skip(1).map(|phase| phase.start).collect();
            Schedule::piecewise(&values, &starts).unwrap()
        };
        let recipe = Recipe::new(rates, scaled(decays, part * part), momenta).unwrap();
        let law = ExactLaw::from_buffer_coefficient(coefficient)?;
        let streamed = law.steps(&recipe).take(20_000).find_map(Result::err);
        match (ExactAccess::new(&recipe, coefficient), streamed) {
            (Ok(_), None) => {
                let excess = largest_excess(&recipe, coefficient, 20_000)?;
                prop_assert!(excess <= 1.0, "{excess}");
            }
            (
                Err(LawError::ShrinkNotPositive { step, shrink, learning_rate, .. }),
                Some(LawError::ShrinkNotPositive { step: expected, shrink: other, learning_rate: rate, .. }),
            ) => {
                prop_assert_eq!((step, learning_rate), (expected, rate));
                prop_assert!((shrink - other).abs() <= 1e-6 * other.abs(), "{shrink} {other}");
            }
            (Err(LawError::ShrinkNotPositive { step, .. }), None) => prop_assert!(step >= 20_000),
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

/// A million steps in every regime.
#[test]
fn it_does_not_drift_from_the_streaming_law() {
    let thirds = [333_333, 666_666];
    for (name, recipe, coefficient) in [
        (
            "standard",
            recipe(&[0.1, 0.01, 0.001], &[5e-4], &[0.9], &thirds),
            0.0,
        ),
        (
            "every value changes",
            recipe(
                &[0.1, 0.2, 0.05],
                &[5e-4, 0.0, 1e-3],
                &[0.9, 0.0, 0.5],
                &thirds,
            ),
            1e-3,
        ),
        ("no momentum", recipe(&[0.1], &[5e-4], &[0.0], &[]), 0.0),
        (
            "no momentum, a buffer",
            recipe(&[0.1], &[5e-4], &[0.0], &[]),
            3.0,
        ),
        ("no decay", recipe(&[0.1], &[0.0], &[0.9], &[]), 0.5),
        (
            "a rate of zero",
            recipe(&[0.1, 0.0, 0.1], &[5e-4], &[0.9], &thirds),
            0.0,
        ),
        (
            "a tiny decay",
            recipe(&[1e-3], &[1e-12], &[0.999], &[]),
            0.0,
        ),
        ("a large decay", recipe(&[0.5], &[0.5], &[0.0], &[]), 0.0),
        (
            "a negative coefficient",
            recipe(&[0.1], &[5e-4], &[0.9], &[]),
            -5.0,
        ),
        (
            "near the unstable root",
            recipe(&[0.1], &[5e-4], &[0.9], &[]),
            1.104,
        ),
        (
            "from complex to real roots",
            recipe(&[0.1, 0.01], &[5e-4], &[0.99], &[400]),
            0.0,
        ),
    ] {
        let excess = largest_excess(&recipe, coefficient, MILLION).unwrap();
        assert!(excess <= 1.0, "{name}: {excess}");
    }
}

/// Near a double root the streaming law's rounding of each `1 − a_t` lasts for `α/q` steps, or for ever.
/// The two forms may differ by that and no more; `accuracy.rs` says which of them is right.
#[test]
fn near_a_double_root_it_differs_by_what_roundings_of_a_step_amount_to() {
    let momentum: f64 = 0.81;
    let limit = (1.0 - momentum.sqrt()).powi(2);
    for below in [1e-3, 1e-6, 1e-9, 1e-12, 0.0] {
        let recipe = recipe(&[0.1], &[limit * (1.0 - below) / 0.1], &[momentum], &[]);
        let phase = schedule_core::law::exact::ConstantPhase::new(recipe.at(0)).unwrap();
        let access = ExactAccess::new(&recipe, 0.0).unwrap();
        let streamed = ExactLaw::new().steps(&recipe).take(100_000);
        for streamed in streamed.map(Result::unwrap) {
            let n = streamed.step as f64 + 1.0;
            let lasts = n.min(phase.root() / phase.root_gap());
            let found = access.at(streamed.step).ln_learning_rate;
            let off = (found - streamed.ln_learning_rate).abs();
            let rounding = f64::EPSILON * phase.one_minus_root();
            let tolerance = 1e-11 + 1e-14 * found.abs() + 2.0 * n * lasts * rounding;
            assert!(
                off <= tolerance,
                "{below:e}, step {n}: {off:e} above {tolerance:e}"
            );
        }
    }
}

/// The streaming law's step, values and all, for each way in which it ends.
#[test]
fn it_reports_the_step_at_which_the_law_ends() {
    for (recipe, coefficient, expected) in [
        // Complex roots: after half a turn.
        (recipe(&[0.1], &[5e-4], &[0.99], &[]), 0.0, 471),
        (
            recipe(&[0.1, 0.01, 0.1], &[5e-4], &[0.99], &[400, 500]),
            0.0,
            636,
        ),
        // Real roots, Q > 1, and the same at the double root.
        (recipe(&[0.1], &[5e-4], &[0.9], &[]), 1.106, 74),
        (recipe(&[0.25], &[1.0], &[0.25], &[]), 4.6, 13),
        // Negative roots, and the root 0.
        (recipe(&[5.0], &[1.0], &[0.9], &[]), 0.0, 0),
        (recipe(&[5.0], &[1.0], &[0.9], &[]), -3.0, 1),
        (recipe(&[0.5, 1.0], &[1.0], &[0.0], &[7]), 0.0, 7),
    ] {
        let law = ExactLaw::from_buffer_coefficient(coefficient).unwrap();
        let streamed = law
            .steps(&recipe)
            .take(1_000)
            .find_map(Result::err)
            .unwrap();
        let found = ExactAccess::new(&recipe, coefficient).unwrap_err();
        let (
            LawError::ShrinkNotPositive { step, shrink, .. },
            LawError::ShrinkNotPositive {
                step: exact,
                shrink: other,
                ..
            },
        ) = (&found, &streamed)
        else {
            panic!("{found:?} {streamed:?}");
        };
        assert_eq!((step, step), (exact, &expected), "{found} {streamed}");
        assert!(
            (shrink - other).abs() <= 1e-9 * other.abs(),
            "{shrink:e} {other:e}"
        );
    }
}

#[test]
fn a_recipe_must_be_made_of_constant_pieces() {
    let cosine = Schedule::cosine(0.1, 0.0, 10).unwrap();
    let recipe = Recipe::new(cosine, constant(5e-4), constant(0.9)).unwrap();
    let error = ExactAccess::new(&recipe, 0.0).unwrap_err();
    assert!(matches!(error, LawError::NotPiecewiseConstant { .. }));
    assert!(matches!(
        ExactAccess::new(&recipe, f64::NAN),
        Err(LawError::NotPiecewiseConstant { .. })
    ));
}

/// `κ*_β` to the last digit: rounding decides whether the law ends, and the phase has to be decided upon
/// without running through it.
#[test]
fn near_the_unstable_root_it_returns_and_has_a_number_at_every_step() {
    let recipe = recipe(&[1.0], &[0.3], &[1e-8], &[]);
    let at_the_root = 69_999_998.571_428_57_f64;
    for ulps in -3..=3_i64 {
        let coefficient = f64::from_bits(at_the_root.to_bits().wrapping_add_signed(ulps));
        let streamed: Result<Vec<_>, _> = ExactLaw::from_buffer_coefficient(coefficient)
            .unwrap()
            .steps(&recipe)
            .take(100)
            .collect();
        match (ExactAccess::new(&recipe, coefficient), streamed) {
            (Ok(access), Ok(streamed)) => {
                for step in [0, 1, 2, 10, 1_000_000, u64::MAX] {
                    let found = access.at(step);
                    assert!(found.ln_learning_rate.is_finite(), "{found:?}");
                    assert!(found.shrink > 0.0, "{found:?}");
                }
                let (found, expected) = (access.at(99), streamed.last().unwrap());
                let off = (found.ln_learning_rate - expected.ln_learning_rate).abs();
                assert!(off <= 1e-9, "{ulps}: {found:?} {expected:?}");
            }
            (
                Err(LawError::ShrinkNotPositive { step, .. }),
                Err(LawError::ShrinkNotPositive { step: expected, .. }),
            ) => assert_eq!(step, expected, "{ulps}"),
            other => panic!("{ulps}: {other:?}"),
        }
    }
}

/// An end in the step 4.6e20 is none: there are 1.8e19 steps.
#[test]
fn an_end_beyond_the_last_step_is_none() {
    let momentum = 0.999_999_999_999;
    let recipe = recipe(&[1.0], &[2.499_889_392_624_069e-25], &[momentum], &[]);
    let access = ExactAccess::new(&recipe, 0.0).unwrap();
    assert!(access.at(u64::MAX).ln_learning_rate.is_finite());
    // A phase of the one last step is no exhaustion either.
    let last = Schedule::piecewise(&[0.1, 0.2], &[u64::MAX]).unwrap();
    let recipe = Recipe::new(last, constant(5e-4), constant(0.9)).unwrap();
    let access = ExactAccess::new(&recipe, 0.0).unwrap();
    assert!(access.at(u64::MAX).ln_learning_rate.is_finite());
}
