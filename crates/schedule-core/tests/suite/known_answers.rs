//! Numbers known from elsewhere: the paper, closed forms, arbitrary-precision arithmetic.

use crate::common::{STANDARD, assert_near, constant};
use schedule_core::law::exact::ConstantPhase;
use schedule_core::law::texp::Texp;
use schedule_core::{ExactLaw, Hyperparameters, LawError, Recipe, Schedule};

fn with_rate(rate: Schedule) -> Recipe {
    Recipe::new(
        rate,
        constant(STANDARD.weight_decay),
        constant(STANDARD.momentum),
    )
    .unwrap()
}

#[test]
fn complex_roots_end_at_the_known_step() {
    let recipe = Recipe::new(
        Schedule::constant(0.1).unwrap(),
        Schedule::constant(5e-4).unwrap(),
        Schedule::constant(0.99).unwrap(),
    )
    .unwrap();
    let mut steps = ExactLaw::new().steps(&recipe);
    let error = steps.by_ref().take(1_000).find_map(Result::err).unwrap();
    assert!(
        matches!(error, LawError::ShrinkNotPositive { step: 471, shrink, .. } if shrink <= 0.0)
    );
    assert!(steps.next().is_none(), "the iterator ends after an error");
    assert_eq!(steps.law().next_step(), 471, "the law stays where it was");
}

#[test]
fn a_rate_of_zero_is_a_step_that_does_not_move() {
    let recipe = with_rate(Schedule::piecewise(&[0.1, 0.0, 0.1], &[10, 20]).unwrap());
    let steps: Vec<_> = ExactLaw::new()
        .steps(&recipe)
        .take(30)
        .map(Result::unwrap)
        .collect();
    let texp = Texp::new(&recipe).unwrap();
    for step in &steps[10..20] {
        assert_eq!(step.ln_learning_rate, f64::NEG_INFINITY);
        assert_eq!(step.learning_rate(), 0.0);
        assert_eq!(step.shrink, 1.0);
        assert_eq!(texp.ln_learning_rate(step.step), f64::NEG_INFINITY);
    }
    assert!(steps[20].ln_learning_rate.is_finite());
    assert!(texp.ln_learning_rate(20).is_finite());
}

#[test]
fn the_closed_form_holds_at_its_limits() {
    let phase = |learning_rate, weight_decay, momentum| {
        ConstantPhase::new(Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        })
        .unwrap()
    };
    let no_decay = phase(0.1, 0.0, 0.9);
    assert_eq!(
        (no_decay.root(), no_decay.stationary_buffer_coefficient()),
        (1.0, 0.0)
    );
    let no_momentum = phase(0.5, 0.5, 0.0);
    assert_eq!((no_momentum.root(), no_momentum.root_gap()), (0.75, 0.75));
    // λη = (1 − √γ)²: the double root √γ. All numbers are exact in binary.
    let double = phase(0.25, 1.0, 0.25);
    assert_eq!((double.root(), double.root_gap()), (0.5, 0.0));
    assert_eq!(double.settled_ln_difference(0.0), None);
    // A rate of 0 has the limit λ/(1 − γ).
    assert_near(
        phase(0.0, 5e-4, 0.9).stationary_buffer_coefficient(),
        5e-3,
        1e-17,
    );
}
