//! The polynomial schedule.

use super::interpolate::interpolate;
use super::{ScheduleKind, finite};
use crate::ScheduleError;

/// A power of the time left, from one value to another; made by
/// [`Schedule::polynomial`](crate::Schedule::polynomial).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Polynomial {
    initial: f64,
    r#final: f64,
    power: f64,
    steps: u64,
}

impl Polynomial {
    pub(super) fn new(
        initial: f64,
        r#final: f64,
        power: f64,
        steps: u64,
    ) -> Result<Self, ScheduleError> {
        let kind = ScheduleKind::Polynomial;
        finite(kind, "initial value", initial)?;
        finite(kind, "final value", r#final)?;
        finite(kind, "power", power)?;
        if power <= 0.0 {
            return Err(ScheduleError::PowerNotPositive { power });
        }
        if steps == 0 {
            return Err(ScheduleError::NoSteps { kind });
        }
        Ok(Self {
            initial,
            r#final,
            power,
            steps,
        })
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        if step >= self.steps {
            return self.r#final;
        }
        let part = |steps: u64| steps as f64 / self.steps as f64;
        let left = part(self.steps - step).powf(self.power);
        // 1 − left, from the part that is done: nothing cancels near the start.
        let done = -(self.power * (-part(step)).ln_1p()).exp_m1();
        interpolate(self.initial, left, self.r#final, done)
    }

    /// The value at step 0.
    #[must_use]
    pub fn initial(&self) -> f64 {
        self.initial
    }

    /// The value from step [`steps`](Self::steps) on.
    #[must_use]
    pub fn r#final(&self) -> f64 {
        self.r#final
    }

    /// The exponent of the time left.
    #[must_use]
    pub fn power(&self) -> f64 {
        self.power
    }

    /// The length in steps.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}
