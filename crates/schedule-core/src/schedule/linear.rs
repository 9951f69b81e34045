//! The linear schedule.

use super::interpolate::interpolate;
use super::{ScheduleKind, finite};
use crate::ScheduleError;

/// A straight line from one value to another; made by
/// [`Schedule::linear`](crate::Schedule::linear).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    from: f64,
    to: f64,
    steps: u64,
}

impl Linear {
    pub(super) fn new(from: f64, to: f64, steps: u64) -> Result<Self, ScheduleError> {
        let kind = ScheduleKind::Linear;
        finite(kind, "first value", from)?;
        finite(kind, "last value", to)?;
        if steps == 0 {
            return Err(ScheduleError::NoSteps { kind });
        }
        Ok(Self { from, to, steps })
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        if step >= self.steps {
            return self.to;
        }
        let weight = |steps: u64| steps as f64 / self.steps as f64;
        interpolate(self.from, weight(self.steps - step), self.to, weight(step))
    }

    /// The value at step 0.
    #[must_use]
    pub fn from(&self) -> f64 {
        self.from
    }

    /// The value from step [`steps`](Self::steps) on.
    #[must_use]
    pub fn to(&self) -> f64 {
        self.to
    }

    /// The length in steps.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}
