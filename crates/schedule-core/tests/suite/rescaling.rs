//! The rescaling group at the ends of the range of its numbers.

use crate::common::constant;
use schedule_core::optimiser::SgdState;
use schedule_core::renormalisation::{Bounds, FloatFormat, Magnitudes, Renormaliser};
use schedule_core::rescaling::{Quantity, Rescaling, RescalingError};
use schedule_core::{ExactLaw, Hyperparameters, Recipe};

const VARIANCE: Quantity = Quantity::RunningVariance { input_degree: 2 };

#[test]
fn a_power_that_leaves_the_range_does_not_take_the_result_with_it() {
    let down = Rescaling::<f32>::power_of_two(-39).unwrap();
    // c⁴ = 2⁻¹⁵⁶ is 0 in float32.
    assert_eq!(down.apply(VARIANCE, 2f32.powi(127)), 2f32.powi(-29));
    assert_eq!(
        down.inverse().apply(VARIANCE, 1.5 * 2f32.powi(-29)),
        1.5 * 2f32.powi(127)
    );
    let state = SgdState {
        parameters: vec![2f32.powi(100)],
        buffer: vec![2f32.powi(-126)],
    };
    let half_the_range = Rescaling::power_of_two(-127).unwrap();
    assert_eq!(
        half_the_range.state(&state),
        SgdState {
            parameters: vec![2f32.powi(-27)],
            buffer: vec![2.0],
        }
    );
}

/// The renormaliser asks for it: variances of inputs of degree 2 that start at 1e-9.
#[test]
fn a_running_variance_survives_the_renormalisation_that_it_asks_for() {
    let one = Bounds::just(1.0);
    let magnitudes = Magnitudes::new(one, one, 10.0, Bounds::just(1e-9), 2).unwrap();
    let recipe = Recipe::new(constant(0.1), constant(5e-4), constant(0.9)).unwrap();
    let mut renormaliser = Renormaliser::new(FloatFormat::F32, magnitudes);
    let (due, step) = ExactLaw::new()
        .steps(&recipe)
        .map(Result::unwrap)
        .find_map(|step| Some((renormaliser.before(&step).unwrap()?, step)))
        .unwrap();
    assert_eq!(due.exponent, 39);
    let plain = (1e-9_f64.ln() - 4.0 * step.ln_scale).exp() as f32;
    let kept = due.rescaling().unwrap().apply(VARIANCE, plain);
    // The scale is within √2 of that of the run with weight decay, the variance within 4.
    assert!((2.5e-10..4e-9).contains(&kept), "{plain:e} {kept:e}");
}

#[test]
fn what_does_not_end_is_not_multiplied_for_ever() {
    let degree = Quantity::RunningMean {
        input_degree: i32::MAX,
    };
    let double = Rescaling::power_of_two(1).unwrap();
    assert_eq!(double.apply(degree, 1.0), f64::INFINITY);
    assert_eq!(double.inverse().apply(degree, 1.0), 0.0);
    assert!(double.apply(degree, f64::NAN).is_nan());
    assert_eq!(Rescaling::identity().apply(degree, 3.0), 3.0);
}

#[test]
fn every_rescaling_has_an_inverse() {
    for exponent in [1_023, -1_023] {
        let rescaling = Rescaling::<f64>::power_of_two(exponent).unwrap();
        assert_eq!(rescaling.factor(), (exponent as f64).exp2());
        assert_eq!(
            rescaling.then(&rescaling.inverse()),
            Ok(Rescaling::identity())
        );
    }
    for exponent in [1_024, -1_024, 1_074, i64::MAX, i64::MIN] {
        let error = Rescaling::<f64>::power_of_two(exponent).unwrap_err();
        assert_eq!(error, RescalingError::PowerOutOfRange { exponent });
        assert!(error.to_string().starts_with(&format!("2^{exponent} or")));
    }
    for exponent in [128, -128, 200, 1_010] {
        assert!(Rescaling::<f32>::power_of_two(exponent).is_err());
    }
    let huge = Rescaling::new(1e200).unwrap();
    for (first, second) in [(huge, huge), (huge.inverse(), huge.inverse())] {
        assert!(matches!(
            first.then(&second),
            Err(RescalingError::ProductOutOfRange { .. })
        ));
    }
}

#[test]
fn a_factor_is_positive() {
    for factor in [-2.0, 0.0, -0.0, f64::NAN, f64::NEG_INFINITY] {
        let error = Rescaling::new(factor).unwrap_err();
        assert!(matches!(error, RescalingError::NotPositive { .. }));
        assert!(error.to_string().contains("give a factor above 0"));
    }
    for factor in [f64::INFINITY, f64::from_bits(1)] {
        assert_eq!(
            Rescaling::new(factor),
            Err(RescalingError::OutOfRange { factor })
        );
    }
    // In c²η and λ/c², too, nothing on the way is out of range.
    let with = Hyperparameters {
        learning_rate: 1e-300,
        weight_decay: 1e300,
        momentum: 0.9,
    };
    let rescaled = Rescaling::new(1e200_f64).unwrap().hyperparameters(&with);
    assert!((rescaled.learning_rate / 1e100 - 1.0_f64).abs() < 2e-15);
    assert!((rescaled.weight_decay / 1e-100 - 1.0_f64).abs() < 2e-15);
}
