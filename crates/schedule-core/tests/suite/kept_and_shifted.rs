//! Known answers and errors of what goes beyond the plain exact law: kept weight decay, buffer shifts, TEXP−−,
//! constant exponents.

use crate::common::{STANDARD, assert_near, assert_says, constant};
use schedule_core::law::texp::{ExponentialRate, Texp};
use schedule_core::optimiser::SgdState;
use schedule_core::{
    ExactLaw, Hyperparameter, Hyperparameters, LawError, Recipe, RecipeError, Schedule,
};

/// The paper's recipe.
fn standard_recipe() -> Recipe {
    let rate = Schedule::step_decay(0.1, 0.1, &[80 * 391, 120 * 391]).unwrap();
    Recipe::new(rate, constant(5e-4), constant(0.9)).unwrap()
}

/// Nothing is left to do where everything is kept.
#[test]
fn keeping_its_own_weight_decay_changes_nothing() {
    let mut law = ExactLaw::new();
    for _ in 0..1_000 {
        let step = law.step_keeping(STANDARD, STANDARD.weight_decay).unwrap();
        assert_eq!((step.shrink, step.ln_scale_after), (1.0, 0.0));
        assert_eq!(step.ln_learning_rate, 0.1f64.ln());
    }
}

/// `(η, λ)` and `(cη, λ/c)` are the same run at another scale, to which the law that keeps `λ/c` tends.
#[test]
fn a_constant_kept_weight_decay_tends_to_the_same_intrinsic_rate() {
    for kept in [5e-5, 5e-3] {
        let mut law = ExactLaw::new();
        let mut last = None;
        for _ in 0..300_000 {
            last = Some(law.step_keeping(STANDARD, kept).unwrap());
        }
        let last = last.unwrap();
        assert_near(last.learning_rate() * kept, 0.1 * 5e-4, 1e-16);
        assert_near(2.0 * last.ln_scale, (kept / 5e-4).ln(), 1e-11);
        assert_near(last.buffer_coefficient_after, 0.0, 1e-12);
    }
}

#[test]
fn what_cannot_be_kept() {
    let mut law = ExactLaw::new();
    let error = law.step_keeping(STANDARD, -1.0).unwrap_err();
    assert_eq!(
        error,
        LawError::Hyperparameters(RecipeError::NegativeOrNotFinite {
            hyperparameter: Hyperparameter::WeightDecay,
            step: 0,
            value: -1.0
        })
    );
    let strong = Hyperparameters {
        learning_rate: 1.0,
        weight_decay: 2.0,
        momentum: 0.0,
    };
    let error = law.step_keeping(strong, 0.5).unwrap_err();
    assert!(
        matches!(error, LawError::ShrinkNotPositiveKeeping { step: 0, shrink, .. } if shrink == -0.5)
    );
    assert_says(&error, &["λ̃ = 0.5", "-0.5 is not positive", "keep more"]);
    assert_eq!(law, ExactLaw::new(), "the law stays where it was");

    let half = Hyperparameters {
        weight_decay: 0.5,
        ..strong
    };
    for _ in 0..600 {
        law.step(half).unwrap();
    }
    let error = law.step_keeping(half, 1.0).unwrap_err();
    assert!(matches!(
        error,
        LawError::KeptDecayOverflows { step: 600, .. }
    ));
    assert_says(&error, &["λ̃/A²", "ln A = -415.88"]);
    law.step_keeping(half, 0.0).unwrap();
}

/// The exact law of this recipe ends at step 471; `smallest_shrink` 0 goes on from just there.
#[test]
fn shifts_are_made_where_the_law_would_end() {
    let recipe = Hyperparameters {
        momentum: 0.99,
        ..STANDARD
    };
    let mut law = ExactLaw::new();
    let shifts = (0..100_000).filter_map(|_| law.step_shifting(recipe, 0.0).unwrap().shift);
    let shifts: Vec<_> = shifts.collect();
    assert_eq!(shifts[0].step, 471);
    assert_eq!(shifts.len(), 100_000 / 471);
    for shift in shifts {
        assert_eq!(shift.step % 471, 0);
        assert!(shift.buffer_coefficient > 0.0);
        assert_eq!(shift.buffer_coefficient_after, 0.0);
    }
}

#[test]
fn a_shift_helps_against_the_buffer_only() {
    let mut law = ExactLaw::new();
    let strong = Hyperparameters {
        learning_rate: 1.0,
        weight_decay: 1.0,
        momentum: 0.5,
    };
    let error = law.step_shifting(strong, 0.5).unwrap_err();
    assert!(matches!(error, LawError::ShrinkNotPositive { step: 0, .. }));
    law.step(STANDARD).unwrap();
    let before = law.clone();
    law.step_shifting(strong, 0.5).unwrap_err();
    assert_eq!(law, before, "the law stays where it was");
    // A negative κ makes a_t larger, so that it is not shifted away.
    let mut law = ExactLaw::from_buffer_coefficient(-1.0).unwrap();
    let weak = Hyperparameters {
        weight_decay: 0.6,
        ..strong
    };
    let continued = law.step_shifting(weak, 0.95).unwrap();
    assert_eq!((continued.shift, continued.step.shrink), (None, 0.9));
    // Nor is one of 0, which there is nothing to shift of.
    let continued = ExactLaw::new().step_shifting(weak, 0.95).unwrap();
    assert_eq!((continued.shift, continued.step.shrink), (None, 0.4));
    for value in [f64::NAN, f64::INFINITY] {
        let error = law.shift_buffer(value).unwrap_err();
        assert!(matches!(error, LawError::BufferCoefficientNotFinite { .. }));
    }
}

/// What [`ExactLaw`] does from a shifted buffer is what TEXP says without one more transient.
#[test]
fn texp_with_buffer_shifts_is_the_exact_law() {
    let recipe = standard_recipe();
    let texp = Texp::new(&recipe).unwrap();
    let start = texp.at(0).buffer_coefficient;
    let mut law = ExactLaw::from_buffer_coefficient(start).unwrap();
    let mut shifted = Vec::new();
    for step in 0..200 * 391 {
        if let Some(shift) = texp.buffer_shift(step) {
            let exact = law.shift_buffer(shift.buffer_coefficient_after).unwrap();
            assert_near(exact.factor(), shift.factor(), 1e-10 * shift.factor().abs());
            shifted.push(step);
        }
        let (exact, closed) = (law.step(recipe.at(step)).unwrap(), texp.at(step));
        assert_near(exact.ln_learning_rate, closed.ln_learning_rate, 1e-12);
    }
    assert_eq!(shifted, [80 * 391, 120 * 391]);
}

#[test]
fn a_shift_acts_on_the_buffer() {
    let state = SgdState {
        parameters: vec![1.0, -2.0],
        buffer: vec![0.5, 0.5],
    };
    let shifted = state.shifted(0.25);
    assert_eq!(shifted.parameters, state.parameters);
    assert_eq!(shifted.buffer, [0.75, 0.0]);
}

/// `b̃ ← b̃ + A²(κ_old − κ_new) θ̃`, at a step with `a_t = 1 − 1/4 − 3/4 = 0`: nothing is left of it to go on from.
#[test]
fn a_shrink_of_zero_is_shifted_away() {
    let with = Hyperparameters {
        learning_rate: 1.0,
        weight_decay: 0.25,
        momentum: 0.25,
    };
    let mut law = ExactLaw::from_buffer_coefficient(3.0).unwrap();
    let continued = law.step_shifting(with, 0.0).unwrap();
    let shift = continued.shift.unwrap();
    assert_eq!((shift.factor(), continued.step.shrink), (3.0, 0.75));
    let shift = law.shift_buffer(-1.0).unwrap();
    // κ = (1/4)/(3/4) leaves the buffer, where A = 3/4.
    assert_near(shift.factor(), 0.75 * 0.75 * (1.0 / 3.0 + 1.0), 1e-15);
}

#[test]
fn texp_without_drops() {
    let no_drop = standard_recipe().with_constant_rate().unwrap();
    let last = 200 * 391 - 1;
    assert_near(no_drop.at(last).weight_decay, 5e-6, 1e-20);
    assert_eq!(no_drop.at(last).learning_rate, 0.1);
    let texp = Texp::new(&no_drop).unwrap();
    // 26.399805, and the factor 100 that TEXP has dropped by.
    assert_near(texp.ln_learning_rate(last), 26.399_805 + 100f64.ln(), 5e-7);
    // γ(1/α_I − 1)/(1/α_{I−1} − 1)
    let roots: Vec<_> = texp.phases().map(|phase| phase.phase.root()).collect();
    let expected = 0.9 * (1.0 / roots[1] - 1.0) / (1.0 / roots[0] - 1.0);
    let corrected = texp.boundary_momentum(80 * 391).unwrap();
    assert_near(corrected, expected, 1e-12);
    assert!(corrected < 0.1);
}

#[test]
fn recipes_without_an_equal_at_constant_rate() {
    let rate = Schedule::piecewise(&[0.0, 0.1], &[10]).unwrap();
    let recipe = Recipe::new(rate, constant(5e-4), constant(0.9)).unwrap();
    let error = recipe.with_constant_rate().unwrap_err();
    assert_eq!(error, LawError::NoConstantRate { initial: 0.0 });
    assert_says(&error, &["of its step 0, 0.0", "start above 0"]);
    let cosine = Schedule::cosine(0.1, 0.0, 100).unwrap();
    let recipe = Recipe::new(cosine, constant(5e-4), constant(0.9)).unwrap();
    let error = recipe.with_constant_rate().unwrap_err();
    assert!(matches!(error, LawError::NotPiecewiseConstant { .. }));
}

#[test]
fn exponential_rates() {
    let rate = ExponentialRate::new(constant(0.1), 1.481f64.ln() / 391.0).unwrap();
    assert_near(rate.ln_learning_rate(391), 0.1481f64.ln(), 1e-15);
    assert_eq!(rate.ln_growth(), 1.481f64.ln() / 391.0);
    let none = ExponentialRate::new(constant(0.0), 1.0).unwrap();
    assert_eq!(none.ln_learning_rate(u64::MAX), f64::NEG_INFINITY);
    // Found by the fuzz target `laws`: −∞ + ∞ is no number.
    let steep = ExponentialRate::new(constant(0.0), f64::MAX).unwrap();
    assert_eq!(steep.ln_learning_rate(u64::MAX), f64::NEG_INFINITY);
    for value in [f64::NAN, f64::INFINITY] {
        let error = ExponentialRate::new(constant(0.1), value).unwrap_err();
        assert!(matches!(error, LawError::GrowthNotFinite { .. }));
    }
    let error = ExponentialRate::new(constant(-0.1), 0.0).unwrap_err();
    assert_says(&error, &["the learning rate is -0.1 at step 0"]);
}
