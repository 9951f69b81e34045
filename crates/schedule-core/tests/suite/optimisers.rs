//! Decoupled decay, AdamW, Nesterov: what errors say, what stays exact in a long run, and that no input
//! gives nonsense.

use crate::common::STANDARD;
use proptest::prelude::*;
use schedule_core::Hyperparameters;
use schedule_core::law::decoupled::{AdamWError, AdamWLaw, DecoupledError, DecoupledLaw, Moment};
use schedule_core::law::nesterov::{NesterovError, NesterovForm, NesterovLaw};
use schedule_core::optimiser::{
    AdamWHyperparameters, AdamWState, MovingAverage, NesterovHyperparameters,
};
use schedule_core::strategies::seeded;

const ADAMW: AdamWHyperparameters = AdamWHyperparameters {
    learning_rate: 1e-2,
    weight_decay: 0.5,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-3,
};

#[test]
fn decoupled_decay_that_flips_the_parameters_is_an_error() {
    let mut law = DecoupledLaw::lion();
    law.step(0.5, 0.5).unwrap();
    let before = law.clone();
    let error = law.step(0.5, 2.0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "step 1 has no weight-decay-free equivalent with a positive learning rate: a_t = 1 − ηλ = 0.0 \
         is not positive at learning rate η = 0.5, weight decay λ = 2.0; lower one of them until ηλ is \
         below 1"
    );
    assert_eq!(law, before, "an error leaves the law where it was");
    let negative = law.step(-0.5, 2.0).unwrap_err().to_string();
    assert!(negative.starts_with("the learning rate is -0.5 at step 1"));
    let degree = DecoupledLaw::homogeneous(f64::NAN).unwrap_err().to_string();
    assert!(degree.starts_with("the degree of homogeneity is NaN; give a finite number"));
}

#[test]
fn bad_betas_and_epsilons_are_errors() {
    for (moment, value) in [
        (Moment::First, 1.0),
        (Moment::First, f64::NAN),
        (Moment::Second, -0.1),
        (Moment::Second, f64::INFINITY),
    ] {
        let (beta1, beta2) = match moment {
            Moment::First => (value, ADAMW.beta2),
            Moment::Second => (ADAMW.beta1, value),
        };
        let with = AdamWHyperparameters {
            beta1,
            beta2,
            ..ADAMW
        };
        let mut law = AdamWLaw::new();
        let error = law.step(with).unwrap_err();
        let name = match moment {
            Moment::First => "beta1",
            Moment::Second => "beta2",
        };
        let expected = format!("{name} is {value:?} at step 0; it must be at least 0 and below 1");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert_eq!(law, AdamWLaw::new());
    }
    for epsilon in [-1e-8, f64::NAN, f64::INFINITY] {
        let with = AdamWHyperparameters { epsilon, ..ADAMW };
        let error = AdamWLaw::new().step(with);
        assert!(matches!(
            error,
            Err(AdamWError::EpsilonOutOfRange { step: 0, .. })
        ));
    }
    let with = AdamWHyperparameters {
        weight_decay: 200.0,
        ..ADAMW
    };
    let error = AdamWLaw::new().step(with).unwrap_err();
    let decay = AdamWError::Decay(DecoupledError::ShrinkNotPositive {
        step: 0,
        learning_rate: 1e-2,
        weight_decay: 200.0,
        shrink: -1.0,
    });
    assert_eq!(error, decay);
}

/// Averages over 10¹² steps: in the first few every bias correction is about the number of steps, so the stock
/// optimiser's rate is that of the law, to the 12 digits that are told of its `β`.
#[test]
fn a_stock_beta_next_to_one_loses_no_digits() {
    let beta = 1.0 - 2f64.powi(-40);
    let with = AdamWHyperparameters {
        beta1: beta,
        beta2: beta,
        ..ADAMW
    };
    let mut law = AdamWLaw::new();
    for _ in 0..4 {
        let step = law.step(with).unwrap();
        let apart = step.stock.ln_learning_rate - step.decoupled.ln_learning_rate;
        // h and 1/s are both powers of the product of the shrinks up to here; they cancel up to 1 − β.
        assert!(apart.abs() < 1e-11, "{apart} at {}", step.decoupled.step);
    }
    // At the other end: nothing is kept of the past, and ln β̂ is that of 0.
    let with = AdamWHyperparameters {
        beta1: 0.0,
        beta2: 1e-300,
        ..ADAMW
    };
    let stock = AdamWLaw::new().step(with).unwrap().stock;
    assert!(stock.ln_learning_rate.is_finite() && stock.beta1 == 0.0);
}

#[test]
fn adam_keeps_the_gradient_weights_and_bias_corrections_of_adamw() {
    let mut law = AdamWLaw::new();
    let shrink = 1.0 - 1e-2 * 0.5;
    for t in 0..50 {
        let coefficients = law.step(ADAMW).unwrap().coefficients();
        let original = ADAMW.coefficients(t);
        let expected = 1.0 - 0.9f64.powi(t as i32 + 1);
        assert!((original.first_bias_correction - expected).abs() < 1e-15);
        assert_eq!(
            coefficients.first_bias_correction,
            original.first_bias_correction
        );
        assert_eq!(
            coefficients.second_bias_correction,
            original.second_bias_correction
        );
        assert_eq!(coefficients.first_moment.weight, 1.0 - 0.9);
        assert_eq!(coefficients.second_moment.weight, 1.0 - 0.99);
        let before = if t == 0 { 1.0 } else { shrink };
        assert_eq!(coefficients.first_moment.keep, 0.9 * before);
        assert_eq!(coefficients.second_moment.keep, 0.99 * before * before);
        let scale = shrink.powi(t as i32);
        assert!((coefficients.epsilon / (1e-3 * scale) - 1.0).abs() < 1e-13);
        assert!((coefficients.learning_rate / (1e-2 / (scale * shrink)) - 1.0).abs() < 1e-13);
    }
}

/// `(η̃, β̃₁, β̃₂, ε̃)` in a stock Adam are another algorithm: it takes `1 − β̃` and `1 − β̃^t` of them.
#[test]
fn the_coefficients_alone_do_not_make_a_stock_adam_equivalent() {
    let gradient = |p: &[f64]| {
        let norm = p[0].hypot(p[1]);
        vec![-p[1] * p[1] / norm.powi(3), p[0] * p[1] / norm.powi(3)]
    };
    let start = AdamWState {
        parameters: vec![1.0, -0.5],
        first_moment: vec![0.0; 2],
        second_moment: vec![0.0; 2],
    };
    let [mut original, mut own, mut stock, mut naive] = [(); 4].map(|()| start.clone());
    let angle = |state: &AdamWState| state.parameters[1].atan2(state.parameters[0]);
    let mut law = AdamWLaw::new();
    for t in 0..100 {
        let step = law.step(ADAMW).unwrap();
        let coefficients = AdamWHyperparameters {
            learning_rate: step.decoupled.learning_rate(),
            weight_decay: 0.0,
            beta1: step.beta1,
            beta2: step.beta2,
            epsilon: step.epsilon(),
        };
        original = original.stepped(gradient, &ADAMW.coefficients(t));
        own = own.stepped(gradient, &step.coefficients());
        let of_stock = step.stock.hyperparameters();
        assert!((0.0..=ADAMW.beta1).contains(&of_stock.beta1));
        assert!((0.0..=ADAMW.beta2).contains(&of_stock.beta2));
        stock = stock.stepped(gradient, &of_stock.coefficients(t));
        naive = naive.stepped(gradient, &coefficients.coefficients(t));
    }
    assert!((angle(&own) - angle(&original)).abs() < 1e-12);
    assert!((angle(&stock) - angle(&original)).abs() < 1e-12);
    assert!((angle(&naive) - angle(&original)).abs() > 1e-3);
}

#[test]
fn a_million_steps_do_not_drift() {
    let mut law = DecoupledLaw::sgdw();
    let mut last = None;
    for _ in 0..1_000_000 {
        last = Some(law.step(0.1, 5e-4).unwrap());
    }
    let ln_shrink = (-0.1 * 5e-4f64).ln_1p();
    let last = last.unwrap();
    assert!((last.ln_scale_after / (1e6 * ln_shrink) - 1.0).abs() < 1e-15);
    let expected = 0.1f64.ln() - (2e6 - 1.0) * ln_shrink;
    assert!((last.ln_learning_rate - expected).abs() < 1e-12);
    assert_eq!(
        last.memory(MovingAverage::of_momentum(0.9)).keep,
        0.9 * (1.0 - 0.1 * 5e-4)
    );
}

#[test]
fn nesterov_coefficients_settle_while_the_rate_grows_without_end() {
    for form in [NesterovForm::FreeDampening, NesterovForm::SeparateLookahead] {
        let mut law = NesterovLaw::new(form);
        let with = NesterovHyperparameters::pytorch(STANDARD);
        let mut steps = (0..500_000).map(|_| law.step(with).unwrap());
        let settled = steps.by_ref().nth(10_000).unwrap();
        let last = steps.last().unwrap();
        assert!(last.ln_learning_rate > 200.0);
        for (early, late) in [
            (settled.momentum, last.momentum),
            (settled.gradient_weight, last.gradient_weight),
            (settled.lookahead, last.lookahead),
        ] {
            assert!((early - late).abs() < 1e-14);
            assert!((late - early.round()).abs() < 0.2);
        }
        // The root of x² − (1 + γ)(1 − ηλ)x + γ(1 − ηλ).
        let (s, gamma) = (0.1 * 5e-4, 0.9);
        let root = last.shrink;
        let value = root * root - (1.0 + gamma) * (1.0 - s) * root + gamma * (1.0 - s);
        assert!(value.abs() < 1e-15);
    }
}

#[test]
fn pytorch_s_nesterov_holds_without_weight_decay_and_says_why_not_with_it() {
    let mut law = NesterovLaw::new(NesterovForm::PyTorch);
    let none = Hyperparameters {
        weight_decay: 0.0,
        ..STANDARD
    };
    for _ in 0..10 {
        let step = law.step(NesterovHyperparameters::pytorch(none)).unwrap();
        let coefficients = (step.momentum, step.gradient_weight, step.lookahead);
        assert_eq!(coefficients, (0.9, 1.0, 0.9));
        assert!((step.ln_learning_rate - 0.1f64.ln()).abs() < 1e-15);
    }
    let error = law
        .step(NesterovHyperparameters::pytorch(STANDARD))
        .unwrap_err();
    let message = error.to_string();
    let reason =
        "its momentum is both what the buffer is multiplied by and how far the step looks ahead";
    assert!(
        message.starts_with("step 10 has no equivalent in PyTorch's nesterov=True"),
        "{message}"
    );
    assert!(message.contains(reason), "{message}");
    assert_eq!(law.next_step(), 10, "an error leaves the law where it was");
}

#[test]
fn nesterov_steps_that_have_no_equivalent_are_errors() {
    let pytorch = NesterovHyperparameters::pytorch(STANDARD);
    let step = |with, form| NesterovLaw::new(form).step(with).unwrap_err();
    let separate = NesterovForm::SeparateLookahead;
    let flipped = NesterovHyperparameters {
        weight_decay: 10.0,
        ..pytorch
    };
    let error = step(flipped, separate);
    assert!(
        matches!(error, NesterovError::ShrinkNotPositive { step: 0, shrink, .. } if shrink < 0.0)
    );
    for (gradient_weight, lookahead) in [
        (0.0, 0.9),
        (f64::NAN, 0.9),
        (1.0, -0.1),
        (1.0, f64::INFINITY),
    ] {
        let with = NesterovHyperparameters {
            gradient_weight,
            lookahead,
            ..pytorch
        };
        let error = step(with, separate);
        assert!(
            matches!(error, NesterovError::WeightsOutOfRange { step: 0, .. }),
            "{error}"
        );
    }
    // A look-ahead that a momentum of 0 cannot have.
    let with = NesterovHyperparameters {
        momentum: 0.0,
        ..pytorch
    };
    let error = step(with, NesterovForm::FreeDampening);
    assert!(matches!(
        error,
        NesterovError::RootNotPositive {
            square: f64::INFINITY,
            ..
        }
    ));
    assert!(
        error
            .to_string()
            .contains("use the form with a separate look-ahead")
    );
    assert!(NesterovLaw::new(separate).step(with).is_ok());
    // No momentum, no look-ahead: nothing to take the root of but 1.
    let plain = NesterovHyperparameters {
        lookahead: 0.0,
        ..with
    };
    assert!(
        NesterovLaw::new(NesterovForm::FreeDampening)
            .step(plain)
            .is_ok()
    );
    let huge = NesterovHyperparameters {
        learning_rate: 1.0,
        weight_decay: 1.0 - 1e-16,
        lookahead: 0.0,
        gradient_weight: 1e300,
        ..pytorch
    };
    let error = step(huge, separate);
    assert!(matches!(error, NesterovError::Overflow { .. }), "{error}");
}

/// Any float64, and often an ordinary one.
fn number() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        any::<f64>(),
        0.0..1.0,
        Just(0.0),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE)
    ]
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn no_input_panics_or_gives_nan(
        numbers in proptest::collection::vec([number(), number(), number(), number(), number()], 1..20),
        degree in number(),
    ) {
        let mut decoupled = DecoupledLaw::homogeneous(degree);
        let mut adamw = AdamWLaw::new();
        let mut nesterov = [NesterovForm::FreeDampening, NesterovForm::SeparateLookahead].map(NesterovLaw::new);
        for [a, b, c, d, e] in numbers {
            if let Ok(step) = decoupled.as_mut().map_err(|error| error.clone()).and_then(|law| law.step(a, b)) {
                prop_assert!(!step.ln_learning_rate.is_nan() && step.ln_scale_after.is_finite());
            }
            let with = AdamWHyperparameters { learning_rate: a, weight_decay: b, beta1: c, beta2: d, epsilon: e };
            if let Ok(step) = adamw.step(with) {
                let stock = step.stock;
                for x in [stock.ln_learning_rate, stock.beta1, stock.beta2, stock.ln_epsilon, step.ln_epsilon] {
                    prop_assert!(!x.is_nan(), "{:?}", step);
                }
            }
            let with = NesterovHyperparameters { learning_rate: a, weight_decay: b, momentum: c, gradient_weight: d, lookahead: e };
            for law in &mut nesterov {
                if let Ok(step) = law.step(with) {
                    prop_assert!(!step.ln_learning_rate.is_nan(), "{:?}", step);
                    let finite = [step.momentum, step.gradient_weight, step.lookahead, step.ln_buffer_scale_after];
                    prop_assert!(finite.iter().all(|x| x.is_finite()), "{:?}", step);
                }
            }
        }
    }
}
