//! Running a property over random cases, and what comes of it.

use std::cell::Cell;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use crate::field::Field;

/// How a statement is tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Number of random cases.
    pub cases: u32,
    /// Seed of the cases.
    pub seed: u64,
    /// Steps of one case of the statements over GF(2⁶¹ − 1). A wrong law is caught at the first, and a
    /// right one holds for any number.
    pub field_steps: u64,
    /// Whether to break the law on purpose.
    pub tamper: Tamper,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cases: 64,
            seed: 0,
            field_steps: 200,
            tamper: Tamper::None,
        }
    }
}

/// Whether a law is broken on purpose, to see that its property notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// The law as it is.
    None,
    /// A number of the law, as a rule the twin's learning rate, is one part in a thousand too large.
    OnePerMille,
    /// That number is 0/0: no number at all in float64, and 0 in a prime field.
    Undefined,
    /// A mistake that is easily made, in the statements that say where: a term left out, or an index that
    /// is one off.
    Mistake,
}

impl Tamper {
    /// What that number is multiplied by.
    pub(super) fn factor<F: Field>(self) -> F {
        match self {
            Self::None | Self::Mistake => F::ONE,
            Self::OnePerMille => {
                let thousand = (0..1_000).fold(F::ZERO, |sum, _| sum + F::ONE);
                F::ONE + F::ONE / thousand
            }
            Self::Undefined => {
                let nothing = F::ZERO;
                nothing / F::ZERO
            }
        }
    }

    /// What is right, or what is easily put in its place.
    pub(super) fn mistake<T>(self, right: T, wrong: T) -> T {
        match self {
            Self::Mistake => wrong,
            Self::None | Self::OnePerMille | Self::Undefined => right,
        }
    }
}

/// What came of testing a statement.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Cases that were run.
    pub cases: u32,
    /// The largest deviation among those that agree.
    pub largest_deviation: f64,
    /// The simplest case that was found to disagree, if any, and how.
    pub failure: Option<String>,
}

/// Runs `deviation(case, tamper)` over cases of a strategy.
pub(super) fn property<S: Strategy>(
    settings: &Settings,
    tolerance: f64,
    cases: S,
    deviation: impl Fn(S::Value, Tamper) -> Result<f64, TestCaseError>,
) -> Outcome {
    let (largest, count) = (Cell::new(0.0_f64), Cell::new(0));
    let mut runner = TestRunner::new(Config {
        cases: settings.cases,
        rng_seed: RngSeed::Fixed(settings.seed),
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&cases, |case| {
        let deviation = deviation(case, settings.tamper)?;
        // Not `>`: a deviation that is no number is none that agrees.
        if deviation <= tolerance {
            largest.set(largest.get().max(deviation));
            count.set(count.get() + 1);
            return Ok(());
        }
        let message = format!("deviation {deviation:e}, tolerance {tolerance:e}");
        Err(TestCaseError::fail(message))
    });
    Outcome {
        cases: count.get(),
        largest_deviation: largest.get(),
        failure: result.err().map(|error| match error {
            TestError::Fail(reason, case) => format!("{reason}, for {case:?}"),
            error => error.to_string(),
        }),
    }
}

/// The deviation in an exact field: 0 for equal values, infinite for others.
pub(super) fn exact<T: PartialEq>(a: &T, b: &T) -> f64 {
    if a == b { 0.0 } else { f64::INFINITY }
}
