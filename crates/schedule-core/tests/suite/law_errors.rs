//! Every error of a recipe and of the exact law, and what it says.

use crate::common::{assert_says, constant, sgd};
use proptest::prelude::*;
use schedule_core::law::exact::ConstantPhase;
use schedule_core::law::texp::Texp;
use schedule_core::schedule::ScheduleKind;
use schedule_core::strategies::seeded;
use schedule_core::{ExactLaw, Hyperparameter, LawError, Recipe, RecipeError, Schedule};

#[test]
fn rates_and_decays_that_get_negative() {
    let falling = Schedule::linear(0.1, -0.1, 10).unwrap();
    let error = Recipe::new(falling.clone(), constant(0.0), constant(0.9)).unwrap_err();
    let (hyperparameter, step, value) = (Hyperparameter::LearningRate, u64::MAX, -0.1);
    assert_eq!(
        error,
        RecipeError::NegativeOrNotFinite {
            hyperparameter,
            step,
            value
        }
    );
    let piecewise = Schedule::piecewise(&[0.1, -0.5, 0.1], &[7, 9]).unwrap();
    let error = Recipe::new(constant(0.1), piecewise, constant(0.9)).unwrap_err();
    let (hyperparameter, step, value) = (Hyperparameter::WeightDecay, 7, -0.5);
    assert_eq!(
        error,
        RecipeError::NegativeOrNotFinite {
            hyperparameter,
            step,
            value
        }
    );
    assert_says(
        &error,
        &["the weight decay is -0.5 at step 7", "not negative"],
    );
    // A part that would get negative after it has been replaced is in order.
    let cut = Schedule::joined(vec![(falling, 0), (constant(0.1), 5)]).unwrap();
    assert!(Recipe::new(cut, constant(0.0), constant(0.9)).is_ok());
}

#[test]
fn momentum_out_of_range() {
    for (schedule, step, value) in [
        (constant(1.0), 0, 1.0),
        (constant(-0.1), 0, -0.1),
        (Schedule::piecewise(&[0.9, 1.5], &[4]).unwrap(), 4, 1.5),
        (
            Schedule::joined(vec![(constant(0.9), 0), (constant(1.0), 6)]).unwrap(),
            6,
            1.0,
        ),
    ] {
        let error = Recipe::new(constant(0.1), constant(0.0), schedule).unwrap_err();
        assert_eq!(error, RecipeError::MomentumOutOfRange { step, value });
        assert_says(&error, &["the momentum is", "at least 0 and below 1"]);
    }
}

#[test]
fn invalid_hyperparameters_of_a_step() {
    for bad in [
        sgd(-0.1, 0.0, 0.0),
        sgd(f64::NAN, 0.0, 0.0),
        sgd(f64::INFINITY, 0.0, 0.0),
        sgd(0.1, -1e-9, 0.0),
        sgd(0.1, f64::NAN, 0.0),
        sgd(0.1, 0.0, 1.0),
        sgd(0.1, 0.0, -0.1),
        sgd(0.1, 0.0, f64::NAN),
    ] {
        let mut law = ExactLaw::new();
        assert!(
            matches!(law.step(bad), Err(LawError::Hyperparameters(_))),
            "{bad:?}"
        );
        assert_eq!(law, ExactLaw::new(), "an error leaves the law as it was");
        assert!(matches!(
            ConstantPhase::new(bad),
            Err(LawError::Hyperparameters(_))
        ));
    }
}

#[test]
fn shrink_that_is_not_positive() {
    let mut law = ExactLaw::new();
    law.step(sgd(0.5, 0.5, 0.0)).unwrap();
    for (decay, shrink) in [(2.0, 0.0), (4.0, -1.0)] {
        let error = law.step(sgd(0.5, decay, 0.0)).unwrap_err();
        let found = |error: &LawError| match error {
            LawError::ShrinkNotPositive {
                step,
                shrink,
                weight_decay,
                ..
            } => Some((*step, *shrink, *weight_decay)),
            _ => None,
        };
        assert_eq!(found(&error), Some((1, shrink, decay)));
        assert_says(
            &error,
            &[
                "step 1 has no",
                "learning rate η = 0.5",
                "κ = 0.666",
                "lower",
            ],
        );
    }
    assert_eq!(law.next_step(), 1);
}

#[test]
fn numbers_that_leave_float64() {
    let mut law = ExactLaw::from_buffer_coefficient(f64::MAX).unwrap();
    let error = law.step(sgd(0.0, f64::MAX, 0.99)).unwrap_err();
    assert!(matches!(error, LawError::Overflow { step: 0, .. }));
    assert_says(&error, &["step 0 leaves float64"]);
    let error = ConstantPhase::new(sgd(0.0, f64::MAX, 0.99)).unwrap_err();
    assert!(matches!(error, LawError::Overflow { .. }));
}

#[test]
fn initial_buffer_coefficients() {
    for value in [f64::NAN, f64::INFINITY] {
        let error = ExactLaw::from_buffer_coefficient(value).unwrap_err();
        assert!(matches!(error, LawError::BufferCoefficientNotFinite { .. }));
        assert_says(&error, &["the buffer coefficient", "finite"]);
    }
}

#[test]
fn phases_without_positive_roots() {
    let rate = Schedule::piecewise(&[0.1, 10.0], &[50]).unwrap();
    let recipe = Recipe::new(rate, constant(5e-4), constant(0.9)).unwrap();
    let error = Texp::new(&recipe).unwrap_err();
    let limit = (1.0 - 0.9f64.sqrt()).powi(2);
    match error {
        LawError::NoPositiveRoot {
            step: 50,
            product,
            limit: found,
            ..
        } => {
            assert_eq!(product, 10.0 * 5e-4);
            assert!((found - limit).abs() < 1e-17);
        }
        other => panic!("{other:?}"),
    }
    assert_says(
        &error,
        &["from step 50", "λη = 0.005", "(1 − √γ)² = 0.00263", "lower"],
    );
    // Roots that are real but negative, and the root 0 without momentum.
    for bad in [
        sgd(5.0, 1.0, 0.9),
        sgd(1.0, 1.0, 0.0),
        sgd(1e200, 1e200, 0.5),
    ] {
        assert!(
            matches!(
                ConstantPhase::new(bad),
                Err(LawError::NoPositiveRoot { .. })
            ),
            "{bad:?}"
        );
    }
}

#[test]
fn texp_of_a_recipe_that_is_not_piecewise_constant() {
    let cosine = Schedule::cosine(0.1, 0.0, 10).unwrap();
    let recipe = Recipe::new(constant(0.1), cosine, constant(0.9)).unwrap();
    let error = Texp::new(&recipe).unwrap_err();
    let (hyperparameter, kind) = (Hyperparameter::WeightDecay, ScheduleKind::Cosine);
    assert_eq!(
        error,
        LawError::NotPiecewiseConstant {
            hyperparameter,
            kind
        }
    );
    assert_says(
        &error,
        &["the weight decay follows a cosine schedule", "exact law"],
    );
}

#[test]
fn boundary_momentum_that_does_not_exist() {
    let decay = Schedule::piecewise(&[0.0, 5e-4], &[10]).unwrap();
    let recipe = Recipe::new(constant(0.1), decay, constant(0.9)).unwrap();
    let texp = Texp::new(&recipe).unwrap();
    assert_eq!(
        [9, 10, 11].map(|step| texp.boundary_momentum(step)),
        [Some(0.9), None, Some(0.9)]
    );
}

proptest! {
    #![proptest_config(seeded())]

    /// Any bits at all: a result, never a panic, and finite or −∞ where it is a success.
    #[test]
    fn laws_are_total(
        steps in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 1..20),
        tame in any::<bool>(),
        kappa: f64,
    ) {
        let mut law = ExactLaw::from_buffer_coefficient(kappa).unwrap_or_default();
        for (rate, decay, momentum) in steps {
            let with = if tame {
                sgd(rate.abs(), decay.abs(), momentum.abs().fract())
            } else {
                sgd(rate, decay, momentum)
            };
            if let Ok(step) = law.step(with) {
                prop_assert!(step.shrink > 0.0 && step.ln_shrink.is_finite());
                prop_assert!(step.ln_learning_rate < f64::INFINITY);
                prop_assert!(step.buffer_coefficient_after.is_finite());
            }
            if let Ok(phase) = ConstantPhase::new(with) {
                prop_assert!(phase.root() > 0.0 && phase.root() <= 1.0);
                prop_assert!(phase.ln_root() <= 0.0 && phase.ln_root().is_finite());
                prop_assert!(phase.boundary_momentum(&phase).is_some());
            }
        }
    }
}
