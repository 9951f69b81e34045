//! Known answers and errors of the inverse and of the forms of momentum, and what any input does to the
//! laws around the exact law.

use crate::common::{STANDARD, assert_near, assert_says};
use proptest::array::{uniform2, uniform3};
use proptest::collection::vec;
use proptest::prelude::*;
use schedule_core::law::exact::ConstantPhase;
use schedule_core::law::form::{FormChange, FormError, InsideLaw, MomentumForm, WithoutDampening};
use schedule_core::law::inverse::{ConstantGrowth, InverseError, InverseLaw, Root, WithoutDecay};
use schedule_core::strategies::seeded;
use schedule_core::{ExactLaw, Hyperparameters, LawError, RecipeError};

/// What the figure's 1.481 an epoch stands for.
#[test]
fn weight_decay_of_the_papers_growth() {
    let phase = ConstantPhase::new(STANDARD).unwrap();
    let initial = WithoutDecay {
        ln_learning_rate: (0.1 / phase.root()).ln(),
        momentum: 0.9,
    };
    let back = ConstantGrowth::new(initial, phase.ln_growth()).unwrap();
    let with = back.hyperparameters();
    assert_near(with.learning_rate, 0.1, 1e-16);
    assert_near(with.weight_decay, 5e-4, 1e-17);
    let coefficient = phase.stationary_buffer_coefficient();
    assert_near(back.buffer_coefficient(), coefficient, 1e-16);
    assert_eq!(back.root(), Root::Larger);
}

#[test]
fn growths_of_no_weight_decay() {
    let initial = WithoutDecay {
        ln_learning_rate: 0.0,
        momentum: 0.25,
    };
    let limit = 4f64.ln() * 2.0;
    for growth in [0.0, -0.1, limit + 1e-9, 2_000.0, f64::NAN, f64::INFINITY] {
        let error = ConstantGrowth::new(initial, growth).unwrap_err();
        assert!(
            matches!(error, InverseError::GrowthOutOfRange { .. }),
            "{growth}"
        );
        assert_says(&error, &["above 0 and below", "2.77"]);
    }
    let root = |growth| ConstantGrowth::new(initial, growth).map(|found| found.root());
    assert_eq!(root(1e-300), Ok(Root::Larger));
    assert_eq!(root(0.49 * limit), Ok(Root::Larger));
    assert_eq!(root(0.51 * limit), Ok(Root::Smaller));
    assert_eq!(root(limit - 1e-9), Ok(Root::Smaller));
    let no_momentum = WithoutDecay {
        momentum: 0.0,
        ..initial
    };
    assert!(ConstantGrowth::new(no_momentum, 1_000.0).is_ok());
    let error = ConstantGrowth::new(no_momentum, 2_000.0).unwrap_err();
    assert!(matches!(error, InverseError::Overflow { .. }));
}

/// Rates far outside float64, whose recipe has a product that is inside.
#[test]
fn the_inverse_holds_where_rates_leave_float64() {
    let mut law = InverseLaw::new();
    let phase = ConstantPhase::new(STANDARD).unwrap();
    for step in 0..100 {
        let without = WithoutDecay {
            ln_learning_rate: 1e4 + f64::from(step) * phase.ln_growth(),
            momentum: 0.9,
        };
        let with = law.step(without, phase.ln_root()).unwrap();
        assert_eq!(with.hyperparameters().learning_rate, f64::INFINITY);
        if step > 0 {
            assert_near(with.decay_product, 5e-5, 1e-15);
        }
    }
}

#[test]
fn what_has_no_inverse() {
    let mut law = InverseLaw::new();
    let step = |ln_learning_rate, momentum| WithoutDecay {
        ln_learning_rate,
        momentum,
    };
    let error = law.step(step(f64::NEG_INFINITY, 0.9), 0.0).unwrap_err();
    assert!(matches!(error, InverseError::NotFinite { step: 0, .. }));
    assert_says(&error, &["ln η̃ = -inf", "must be finite"]);
    law.step(step(0.0, 0.9), f64::NAN).unwrap_err();
    law.step(step(0.0, 1.0), 0.0).unwrap_err();
    let error = law.step(step(0.0, 0.9), 800.0).unwrap_err();
    assert!(matches!(error, InverseError::Overflow { step: 0, .. }));
    assert_says(&error, &["ln a = 800.0"]);
    assert_eq!(law, InverseLaw::new(), "the law stays where it was");
    for value in [f64::NAN, f64::INFINITY] {
        let error = InverseLaw::from_buffer_coefficient(value).unwrap_err();
        assert!(matches!(
            error,
            InverseError::BufferCoefficientNotFinite { .. }
        ));
    }
}

/// The rate in the buffer turns a drop of the rate into one of the momentum, and a rise into a rise.
#[test]
fn momentum_leaves_its_range_where_the_rate_drops() {
    let at = |learning_rate| Hyperparameters {
        learning_rate,
        ..STANDARD
    };
    let mut outside = FormChange::to(MomentumForm::LrOutside);
    outside.step(at(0.1)).unwrap();
    let dropped = outside.step(at(0.01)).unwrap();
    assert_near(dropped.momentum, 9.0, 1e-14);
    let error = ExactLaw::new().step(dropped).unwrap_err();
    assert!(matches!(
        error,
        LawError::Hyperparameters(RecipeError::MomentumOutOfRange { .. })
    ));
    let mut inside = FormChange::to(MomentumForm::LrInside);
    inside.step(at(0.01)).unwrap();
    let risen = inside.step(at(0.1)).unwrap();
    assert_near(risen.momentum, 9.0, 1e-14);
    InsideLaw::new().step(risen).unwrap();
}

#[test]
fn a_rate_of_zero_loses_the_buffer() {
    let at = |learning_rate| Hyperparameters {
        learning_rate,
        ..STANDARD
    };
    let mut inside = FormChange::to(MomentumForm::LrInside);
    inside.step(at(0.1)).unwrap();
    assert_eq!(inside.step(at(0.0)).unwrap().momentum, 0.0);
    assert_eq!(inside.step(at(0.0)).unwrap().momentum, 0.9);
    let error = inside.step(at(0.1)).unwrap_err();
    assert!(matches!(error, FormError::NoMomentum { step: 3, .. }));
    assert_says(&error, &["rate inside the momentum buffer", "is lost"]);
    let mut outside = FormChange::to(MomentumForm::LrOutside);
    outside.step(at(0.1)).unwrap();
    let error = outside.step(at(0.0)).unwrap_err();
    assert_says(&error, &["rate outside the momentum buffer"]);
}

/// PyTorch sets the buffer to the gradient in its first step, whatever the dampening.
#[test]
fn pytorch_does_not_dampen_its_first_step() {
    let mut change = WithoutDampening::new();
    let first = change.step(STANDARD, 0.0).unwrap();
    let second = change.step(STANDARD, 0.75).unwrap();
    let third = change.step(STANDARD, 0.75).unwrap();
    assert_eq!(first, STANDARD);
    assert_near(second.momentum, 3.6, 1e-15);
    assert_eq!(second.learning_rate, 0.025);
    assert_eq!(third.momentum, 0.9);
}

#[test]
fn errors_of_the_forms() {
    let mut change = WithoutDampening::new();
    for value in [1.0, -0.1, f64::NAN] {
        let error = change.step(STANDARD, value).unwrap_err();
        assert!(matches!(
            error,
            FormError::DampeningOutOfRange { step: 0, .. }
        ));
        assert_says(&error, &["at least 0 and below 1"]);
    }
    let large = Hyperparameters {
        momentum: 1e300,
        ..STANDARD
    };
    change.step(STANDARD, 0.0).unwrap();
    let error = change.step(large, 1.0 - f64::EPSILON).unwrap_err();
    assert!(matches!(
        error,
        FormError::DampeningOverflows { step: 1, .. }
    ));
    for momentum in [-0.1, f64::NAN, f64::INFINITY] {
        let bad = Hyperparameters {
            momentum,
            ..STANDARD
        };
        let error = InsideLaw::new().step(bad).unwrap_err();
        assert!(matches!(
            error,
            FormError::MomentumNegativeOrNotFinite { step: 0, .. }
        ));
        FormChange::to(MomentumForm::LrInside)
            .step(bad)
            .unwrap_err();
    }
    let strong = Hyperparameters {
        learning_rate: 1.0,
        weight_decay: 1.0,
        momentum: 0.0,
    };
    let error = InsideLaw::new().step(strong).unwrap_err();
    assert!(matches!(
        error,
        FormError::ShrinkNotPositive { step: 0, .. }
    ));
    assert_says(&error, &["a_t = 1 − ηλ − γ'c = 0.0 is not positive"]);
    // c = −1 + 2e-300 is −1 in float64, from where no step goes on.
    let mut law = InsideLaw::from_buffer_coefficient(-0.5).unwrap();
    let huge = Hyperparameters {
        momentum: 1e300,
        ..strong
    };
    let error = law.step(huge).unwrap_err();
    assert!(matches!(error, FormError::Overflow { step: 0, .. }));
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        let error = InsideLaw::from_buffer_coefficient(value).unwrap_err();
        assert!(matches!(
            error,
            FormError::BufferCoefficientOutOfRange { .. }
        ));
    }
}

/// Any float64, NaN and infinities among them, and often one that is accepted.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![1 => proptest::num::f64::ANY, 4 => 0.0..1.0, 1 => Just(0.0)]
}

proptest! {
    #![proptest_config(seeded())]

    /// Whatever goes in, what comes out is finite or an error, and an error leaves the law as it was.
    #[test]
    fn no_input_panics(
        steps in vec((uniform3(number()), uniform2(number())), 1..8),
    ) {
        let (mut keeping, mut shifting) = (ExactLaw::new(), ExactLaw::new());
        let (mut inverse, mut inside) = (InverseLaw::new(), InsideLaw::new());
        let mut change = FormChange::to(MomentumForm::LrOutside);
        let mut undampened = WithoutDampening::new();
        for ([learning_rate, weight_decay, momentum], [kept, other]) in steps {
            let with = Hyperparameters {
                learning_rate,
                weight_decay,
                momentum,
            };
            let before = keeping.clone();
            match keeping.step_keeping(with, kept) {
                Ok(step) => prop_assert!(step.ln_scale_after.is_finite()),
                Err(_) => prop_assert_eq!(&keeping, &before),
            }
            let before = shifting.clone();
            match shifting.step_shifting(with, kept) {
                Ok(step) => prop_assert!(step.step.ln_scale_after.is_finite()),
                Err(_) => prop_assert_eq!(&shifting, &before),
            }
            let without = WithoutDecay { ln_learning_rate: learning_rate, momentum };
            let before = inverse.clone();
            match inverse.step(without, other) {
                Ok(step) => prop_assert!(step.decay_product.is_finite() && !step.weight_decay.is_nan()),
                Err(_) => prop_assert_eq!(&inverse, &before),
            }
            if let Ok(found) = ConstantGrowth::new(without, other) {
                prop_assert!(found.decay_product() > 0.0 && !found.buffer_coefficient().is_nan());
            }
            let before = inside.clone();
            match inside.step(with) {
                Ok(step) => prop_assert!(step.ln_scale_before.is_finite() && step.momentum.is_finite()),
                Err(_) => prop_assert_eq!(&inside, &before),
            }
            if let Ok(changed) = change.step(with) {
                prop_assert!(changed.momentum.is_finite());
            }
            if let Ok(changed) = undampened.step(with, other) {
                prop_assert!(changed.momentum.is_finite());
            }
        }
    }
}
