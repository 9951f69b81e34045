//! Values at the edge of what a law is for.

use crate::common::{STANDARD, constant};
use schedule_core::law::exact::ConstantPhase;
use schedule_core::law::groups::{GroupsLaw, Residual};
use schedule_core::law::nesterov::{NesterovError, NesterovForm, NesterovLaw};
use schedule_core::law::texp::{ExponentialRate, Texp};
use schedule_core::optimiser::NesterovHyperparameters;
use schedule_core::{ExactLaw, Hyperparameters, LawError, Schedule};

/// 0/0 was 0, which kills the momentum at each drop.
#[test]
fn a_drop_without_weight_decay_keeps_its_momentum() {
    let free = Hyperparameters {
        weight_decay: 0.0,
        ..STANDARD
    };
    let dropped = Hyperparameters {
        learning_rate: 0.01,
        ..free
    };
    let phase = |with| ConstantPhase::new(with).unwrap();
    let (decayed, free, dropped) = (phase(STANDARD), phase(free), phase(dropped));
    assert_eq!(dropped.boundary_momentum(&free), Some(0.9));
    assert_eq!(decayed.boundary_momentum(&decayed), Some(0.9));
    assert_eq!(free.boundary_momentum(&decayed), Some(0.0));
    assert_eq!(decayed.boundary_momentum(&free), None);

    let rates = Schedule::step_decay(0.1, 0.1, &[10]).unwrap();
    let recipe = schedule_core::Recipe::new(rates, constant(0.0), constant(0.9)).unwrap();
    assert_eq!(Texp::new(&recipe).unwrap().boundary_momentum(10), Some(0.9));
}

#[test]
fn a_smallest_shrink_must_be_below_one() {
    for value in [f64::NAN, 1.0, 1.5, f64::INFINITY, -0.1] {
        let mut law = ExactLaw::new();
        law.step(STANDARD).unwrap();
        let error = law.step_shifting(STANDARD, value).unwrap_err();
        assert!(
            matches!(error, LawError::SmallestShrinkOutOfRange { .. }),
            "{value}"
        );
        assert!(error.to_string().contains("below 1"), "{error}");
        assert_eq!(law.next_step(), 1);
    }
    for value in [0.0, 0.5] {
        let continued = ExactLaw::new().step_shifting(STANDARD, value).unwrap();
        assert_eq!(continued.shift, None);
    }
}

#[test]
fn a_rate_of_zero_does_not_grow() {
    let zero = ExponentialRate::new(Schedule::constant(0.0).unwrap(), 1e300).unwrap();
    for step in [0, 1, u64::MAX] {
        assert_eq!(zero.ln_learning_rate(step), f64::NEG_INFINITY);
    }
}

/// Without momentum and look-ahead it is SGD, which converts.
#[test]
fn pytorchs_nesterov_without_momentum_converts() {
    let plain = Hyperparameters {
        momentum: 0.0,
        ..STANDARD
    };
    let (mut nesterov, mut exact) = (NesterovLaw::new(NesterovForm::PyTorch), ExactLaw::new());
    for _ in 0..100 {
        let with = NesterovHyperparameters::pytorch(plain);
        let (step, expected) = (nesterov.step(with).unwrap(), exact.step(plain).unwrap());
        assert_eq!(
            (step.gradient_weight, step.lookahead, step.momentum),
            (1.0, 0.0, 0.0)
        );
        let off = (step.ln_learning_rate - expected.ln_learning_rate).abs();
        assert!(off < 1e-14, "{off:e}");
        // The buffer is the gradient, in either run.
        assert!((step.ln_buffer_scale_after - step.ln_scale_after).abs() < 1e-14);
    }
    let error = nesterov.step(NesterovHyperparameters::pytorch(STANDARD));
    assert!(matches!(
        error,
        Err(NesterovError::PyTorchFormNotClosed { step: 100, .. })
    ));
}

/// What PyTorch's form holds without momentum is 1 to the last digit at any rate, though `w · (1/w)` is not.
#[test]
fn plain_sgd_is_pytorchs_form_at_any_rate() {
    for rate in 1..200 {
        let plain = Hyperparameters {
            learning_rate: f64::from(rate) / 1_000.0,
            weight_decay: 1.0,
            momentum: 0.0,
        };
        let mut law = NesterovLaw::new(NesterovForm::PyTorch);
        for _ in 0..3 {
            let step = law.step(NesterovHyperparameters::pytorch(plain)).unwrap();
            assert_eq!(step.gradient_weight, 1.0);
        }
    }
}

/// Momentum without look-ahead is no case of PyTorch's Nesterov, whose two are one number.
#[test]
fn momentum_without_lookahead_has_no_root() {
    for form in [NesterovForm::PyTorch, NesterovForm::FreeDampening] {
        let with = NesterovHyperparameters {
            lookahead: 0.0,
            ..NesterovHyperparameters::pytorch(STANDARD)
        };
        let error = NesterovLaw::new(form).step(with).unwrap_err();
        assert!(
            matches!(error, NesterovError::RootNotPositive { square: 0.0, .. }),
            "{error}"
        );
    }
}

/// `δ + κη` leaves float64 where neither `a_t` nor the buffer's growth does.
#[test]
fn a_gradient_weight_that_leaves_float64() {
    let mut law =
        NesterovLaw::from_buffer_coefficient(NesterovForm::SeparateLookahead, 1.7e308).unwrap();
    let with = NesterovHyperparameters {
        learning_rate: 1.0,
        weight_decay: 0.0,
        momentum: 0.9375,
        gradient_weight: 1e308,
        lookahead: 0.0,
    };
    let error = law.step(with).unwrap_err();
    assert!(
        matches!(error, NesterovError::Overflow { step: 0, .. }),
        "{error}"
    );
}

/// 5e-13 of a decay is 2.5e-10 in `ln A` after a million steps, and no rounding.
#[test]
fn a_small_difference_of_decays_is_left() {
    let other = Hyperparameters {
        weight_decay: STANDARD.weight_decay * (1.0 + 5e-13),
        ..STANDARD
    };
    let mut law = GroupsLaw::common_direction(&[1.0, 1.0, 1.0]).unwrap();
    for _ in 0..1_000 {
        let groups = law.step(&[STANDARD, STANDARD, other]).unwrap();
        assert_eq!(groups[1].residual, Residual::WeightDecayFree);
        let Residual::Left(left) = groups[2].residual else {
            panic!("{:?}", groups[2]);
        };
        let expected = 5e-13 * STANDARD.weight_decay;
        assert!((left / expected - 1.0).abs() < 0.5, "{left:e} {expected:e}");
    }
}
