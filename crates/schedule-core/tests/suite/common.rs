//! What several tests need.

use schedule_core::{Hyperparameters, Schedule};

/// The paper's recipe, before the first drop.
pub(crate) const STANDARD: Hyperparameters = Hyperparameters {
    learning_rate: 0.1,
    weight_decay: 5e-4,
    momentum: 0.9,
};

pub(crate) fn constant(value: f64) -> Schedule {
    Schedule::constant(value).unwrap()
}

pub(crate) fn sgd(learning_rate: f64, weight_decay: f64, momentum: f64) -> Hyperparameters {
    Hyperparameters {
        learning_rate,
        weight_decay,
        momentum,
    }
}

#[track_caller]
pub(crate) fn assert_near(value: f64, expected: f64, tolerance: f64) {
    let difference = (value - expected).abs();
    assert!(
        difference <= tolerance,
        "{value:?} is {difference:e} from {expected:?}"
    );
}

#[track_caller]
pub(crate) fn assert_says<E: std::error::Error>(error: &E, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}
