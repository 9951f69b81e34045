//! Every error of a schedule, and what it says.

use crate::common::{assert_says, constant};
use schedule_core::schedule::ScheduleKind;
use schedule_core::{Schedule, ScheduleError};

#[test]
fn values_that_are_not_finite() {
    let nan = f64::NAN;
    let inf = f64::INFINITY;
    for (made, argument) in [
        (
            Schedule::constant(nan),
            "the value of a constant schedule is NaN",
        ),
        (
            Schedule::step_decay(inf, 0.1, &[]),
            "the initial value of a step decay schedule is inf",
        ),
        (
            Schedule::step_decay(0.1, nan, &[]),
            "the factor of a step decay schedule",
        ),
        (
            Schedule::cosine(nan, 0.0, 1),
            "the initial value of a cosine schedule",
        ),
        (
            Schedule::cosine(0.0, -inf, 1),
            "the final value of a cosine schedule is -inf",
        ),
        (
            Schedule::linear(nan, 0.0, 1),
            "the first value of a linear schedule",
        ),
        (
            Schedule::linear(0.0, nan, 1),
            "the last value of a linear schedule",
        ),
        (
            Schedule::polynomial(0.1, 0.0, nan, 1),
            "the power of a polynomial schedule is NaN",
        ),
        (
            Schedule::exponential(0.1, inf, 1, 1),
            "the growth of an exponential schedule is inf",
        ),
        (
            Schedule::piecewise(&[0.1, inf], &[1]),
            "the value of a piecewise schedule is inf",
        ),
    ] {
        let error = made.unwrap_err();
        assert!(matches!(error, ScheduleError::NotFinite { .. }));
        assert_says(&error, &[argument, "give a finite number"]);
    }
}

#[test]
fn factors_of_a_step_decay() {
    for factor in [0.0, -0.1] {
        let error = Schedule::step_decay(0.1, factor, &[1]).unwrap_err();
        assert_eq!(error, ScheduleError::FactorNotPositive { factor });
        assert_says(&error, &["above 0"]);
    }
    let error = Schedule::step_decay(1.0, 1e200, &[1, 2]).unwrap_err();
    let expected = ScheduleError::StepDecayOverflows {
        initial: 1.0,
        factor: 1e200,
        milestones: 2,
    };
    assert_eq!(error, expected);
    assert_says(&error, &["1.0 × 1e200^2", "lower the factor"]);
}

#[test]
fn powers_growths_and_tables() {
    let error = Schedule::polynomial(0.1, 0.0, 0.0, 1).unwrap_err();
    assert_eq!(error, ScheduleError::PowerNotPositive { power: 0.0 });
    assert_says(&error, &["the power of a polynomial", "above 0"]);
    let error = Schedule::exponential(0.1, -1.0, 1, 1).unwrap_err();
    assert_eq!(error, ScheduleError::GrowthNotPositive { growth: -1.0 });
    assert_says(&error, &["the growth of an exponential", "above 0"]);
    let error = Schedule::exponential(0.1, 1.481, 391, 1_000_000).unwrap_err();
    let expected = ScheduleError::ExponentialOverflows {
        initial: 0.1,
        growth: 1.481,
        period: 391,
        steps: 1_000_000,
    };
    assert_eq!(error, expected);
    assert_says(&error, &["0.1 × 1.481^(1000000/391)", "lower the growth"]);
    for (period, steps) in [(0, 1), (1, 0)] {
        let error = Schedule::exponential(0.1, 1.0, period, steps).unwrap_err();
        let kind = ScheduleKind::Exponential;
        assert_eq!(error, ScheduleError::NoSteps { kind });
    }
    let error = Schedule::tabulated(vec![]).unwrap_err();
    assert_eq!(error, ScheduleError::NoValues);
    assert_says(&error, &["no values", "step 0"]);
    let error = Schedule::tabulated(vec![0.1, f64::INFINITY]).unwrap_err();
    let (step, value) = (1, f64::INFINITY);
    assert_eq!(error, ScheduleError::TableNotFinite { step, value });
    assert_says(&error, &["the table has inf at step 1"]);
}

#[test]
fn changes_out_of_order() {
    let error = Schedule::step_decay(0.1, 0.1, &[80, 120, 100]).unwrap_err();
    let kind = ScheduleKind::StepDecay;
    assert_eq!(
        error,
        ScheduleError::OutOfOrder {
            kind,
            index: 2,
            previous: 120,
            step: 100
        }
    );
    assert_says(
        &error,
        &["step decay: the change number 3 is at step 100, not after step 120"],
    );
    let error = Schedule::piecewise(&[1.0, 2.0], &[0]).unwrap_err();
    let kind = ScheduleKind::Piecewise;
    assert_eq!(
        error,
        ScheduleError::OutOfOrder {
            kind,
            index: 0,
            previous: 0,
            step: 0
        }
    );
    let parts = vec![(constant(1.0), 0), (constant(2.0), 5), (constant(3.0), 5)];
    let error = Schedule::joined(parts).unwrap_err();
    let kind = ScheduleKind::Joined;
    assert_eq!(
        error,
        ScheduleError::OutOfOrder {
            kind,
            index: 1,
            previous: 5,
            step: 5
        }
    );
}

#[test]
fn counts_of_values_steps_and_parts() {
    let error = Schedule::piecewise(&[0.1], &[1]).unwrap_err();
    assert_eq!(
        error,
        ScheduleError::ValueCount {
            values: 1,
            boundaries: 1
        }
    );
    assert_says(&error, &["1 values and 1 boundaries"]);
    let error = Schedule::piecewise(&[], &[]).unwrap_err();
    assert_eq!(
        error,
        ScheduleError::ValueCount {
            values: 0,
            boundaries: 0
        }
    );
    let error = Schedule::cosine(0.1, 0.0, 0).unwrap_err();
    assert_eq!(
        error,
        ScheduleError::NoSteps {
            kind: ScheduleKind::Cosine
        }
    );
    let error = Schedule::linear(0.1, 0.0, 0).unwrap_err();
    assert_eq!(
        error,
        ScheduleError::NoSteps {
            kind: ScheduleKind::Linear
        }
    );
    assert_says(
        &error,
        &["linear schedule over 0 steps", "constant schedule"],
    );
    let error = Schedule::joined(vec![]).unwrap_err();
    assert_eq!(error, ScheduleError::NoParts);
    assert_says(&error, &["no parts"]);
    let error = Schedule::joined(vec![(constant(0.1), 3)]).unwrap_err();
    assert_eq!(error, ScheduleError::FirstPartStartsLate { start: 3 });
    assert_says(&error, &["starts at step 3"]);
}
