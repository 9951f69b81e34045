//! The exponential schedule.

use super::{ScheduleKind, finite};
use crate::ScheduleError;

/// The same growth in every period; made by
/// [`Schedule::exponential`](crate::Schedule::exponential).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    initial: f64,
    growth: f64,
    period: u64,
    steps: u64,
}

impl Exponential {
    pub(super) fn new(
        initial: f64,
        growth: f64,
        period: u64,
        steps: u64,
    ) -> Result<Self, ScheduleError> {
        let kind = ScheduleKind::Exponential;
        finite(kind, "initial value", initial)?;
        finite(kind, "growth", growth)?;
        if growth <= 0.0 {
            return Err(ScheduleError::GrowthNotPositive { growth });
        }
        if steps == 0 || period == 0 {
            return Err(ScheduleError::NoSteps { kind });
        }
        let schedule = Self {
            initial,
            growth,
            period,
            steps,
        };
        // Monotone in the step, so the last value is the only one to check.
        if schedule.at(steps).is_finite() {
            Ok(schedule)
        } else {
            Err(ScheduleError::ExponentialOverflows {
                initial,
                growth,
                period,
                steps,
            })
        }
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        let periods = step.min(self.steps) as f64 / self.period as f64;
        self.initial * self.growth.powf(periods)
    }

    /// The value at step 0.
    #[must_use]
    pub fn initial(&self) -> f64 {
        self.initial
    }

    /// The factor of a period.
    #[must_use]
    pub fn growth(&self) -> f64 {
        self.growth
    }

    /// The length of a period in steps.
    #[must_use]
    pub fn period(&self) -> u64 {
        self.period
    }

    /// The step from which on the value stays.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}
