//! The checker's verdicts: at any length, and on what is no gradient.

use crate::common::constant;
use std::cell::Cell;

use schedule_core::check::{CheckError, Start, check_equivalence, largest_distance};
use schedule_core::optimiser::SgdState;
use schedule_core::{ExactLaw, Recipe};

fn recipe() -> Recipe {
    Recipe::new(constant(0.1), constant(0.02), constant(0.9)).unwrap()
}

fn initial() -> SgdState {
    SgdState {
        parameters: vec![1.0, -0.5],
        buffer: vec![0.0, 0.0],
    }
}

/// Of `−θ₀/‖θ‖`. `‖θ‖³` leaves float64 where `‖θ‖` is far from doing so.
fn gradient(_step: u64, p: &[f64]) -> Vec<f64> {
    let norm = p[0].hypot(p[1]);
    vec![-p[1] * p[1] / norm.powi(3), p[0] * p[1] / norm.powi(3)]
}

#[test]
fn a_verdict_holds_at_any_length() {
    let verdict = check_equivalence(&initial(), gradient, &recipe(), 400_000).unwrap();
    assert_eq!(verdict.agrees_within(1e-12), Ok(()));
    assert!(verdict.free.iter().all(|distance| distance.is_finite()));
    // By then float64 holds ln A to some 1e-12 only, and the verdict allows for it.
    let largest = verdict.resynchronised.iter().copied().fold(0.0, f64::max);
    assert!((1e-12..1e-10).contains(&largest), "{largest:e}");
    let pairs = verdict.resynchronised.iter().zip(&verdict.rounding);
    let of_allowed = pairs.map(|(size, rounding)| size / (1e-13 + rounding));
    let of_allowed = of_allowed.fold(0.0, f64::max);
    assert!(of_allowed < 0.6, "{of_allowed}");
    let allowed = verdict.rounding.last().unwrap();
    assert!((5e-12..1e-9).contains(allowed), "{allowed:e}");
}

#[test]
fn a_wrong_step_is_seen_late_in_a_run() {
    let recipe = recipe();
    let steps = ExactLaw::new().steps(&recipe).take(60_000);
    let with_one_wrong = |start, wrong: Option<u64>| {
        let steps = steps.clone().map(|step| {
            let mut step = step.unwrap();
            if Some(step.step) == wrong {
                step.ln_scale_after += 1e-6;
            }
            (recipe.at(step.step), step)
        });
        largest_distance(start, initial(), gradient, steps)
    };
    assert!(with_one_wrong(Start::Resynchronised, None) < 2e-12);
    let distance = with_one_wrong(Start::Resynchronised, Some(59_000));
    assert!((5e-7..2e-6).contains(&distance), "{distance:e}");
}

#[test]
fn a_loss_that_is_not_scale_invariant_is_seen_after_renormalisations() {
    // −θ₀/‖θ‖ as long as the scale is moderate.
    let bent = |step: u64, p: &[f64]| {
        let pull = if step < 20_000 { 0.0 } else { 1e-3 };
        let along = gradient(step, p).into_iter().zip(p);
        along.map(|(g, p)| g + pull * p).collect()
    };
    let verdict = check_equivalence(&initial(), bent, &recipe(), 30_000).unwrap();
    let disagreement = verdict.agrees_within(1e-12).unwrap_err();
    assert!((20_000..20_010).contains(&disagreement.step));
    assert!(disagreement.radial_gradient > 1e-6);
}

#[test]
fn lengths_that_differ_are_errors() {
    let three = SgdState {
        parameters: vec![1.0, -0.5, 0.3],
        buffer: vec![0.0; 3],
    };
    let error = check_equivalence(&three, gradient, &recipe(), 10).unwrap_err();
    assert_eq!(
        error,
        CheckError::GradientLength {
            step: 0,
            parameters: 3,
            gradient: 2,
        }
    );
    assert!(
        error
            .to_string()
            .contains("has 2 numbers, the parameters are 3")
    );
    let short = SgdState {
        buffer: vec![0.0],
        ..initial()
    };
    let error = check_equivalence(&short, gradient, &recipe(), 10).unwrap_err();
    assert!(matches!(error, CheckError::BufferLength { .. }));
    assert!(
        error
            .to_string()
            .contains("give a buffer of the same length")
    );
    // Once, for the twin.
    let calls = Cell::new(0);
    let sometimes = |step, p: &[f64]| {
        calls.set(calls.get() + 1);
        let length = if calls.get() == 37 { 1 } else { 2 };
        gradient(step, p).into_iter().take(length).collect()
    };
    let error = check_equivalence(&initial(), sometimes, &recipe(), 10).unwrap_err();
    assert!(matches!(error, CheckError::GradientLength { step: 7, .. }));
    let with = recipe().at(0);
    let step = ExactLaw::new().step(with).unwrap();
    assert!(largest_distance(Start::Free, three, gradient, [(with, step)]).is_nan());
}
