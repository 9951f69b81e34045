//! The cosine schedule.

use std::f64::consts::PI;

use super::interpolate::interpolate;
use super::{ScheduleKind, finite};
use crate::ScheduleError;

/// Half a cosine from one value to another; made by [`Schedule::cosine`](crate::Schedule::cosine).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cosine {
    initial: f64,
    r#final: f64,
    steps: u64,
}

impl Cosine {
    pub(super) fn new(initial: f64, r#final: f64, steps: u64) -> Result<Self, ScheduleError> {
        let kind = ScheduleKind::Cosine;
        finite(kind, "initial value", initial)?;
        finite(kind, "final value", r#final)?;
        if steps == 0 {
            return Err(ScheduleError::NoSteps { kind });
        }
        Ok(Self {
            initial,
            r#final,
            steps,
        })
    }

    #[inline]
    pub(super) fn at(&self, step: u64) -> f64 {
        if step >= self.steps {
            return self.r#final;
        }
        // (1 − cos πx)/2 as a square, by the distance x ≤ ½ to the nearer end: nothing cancels there, and the
        // other weight is at least ½.
        let left = self.steps - step;
        let sine = (PI / 2.0 * (step.min(left) as f64 / self.steps as f64)).sin();
        let near = sine * sine;
        let far = 1.0 - near;
        let (to_weight, from_weight) = if step <= left {
            (near, far)
        } else {
            (far, near)
        };
        interpolate(self.initial, from_weight, self.r#final, to_weight)
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

    /// The length in steps.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}
