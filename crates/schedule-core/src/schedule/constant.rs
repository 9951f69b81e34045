//! The constant schedule.

use super::{ScheduleKind, finite};
use crate::ScheduleError;

/// The same value at every step; made by [`Schedule::constant`](crate::Schedule::constant).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constant {
    value: f64,
}

impl Constant {
    pub(super) fn new(value: f64) -> Result<Self, ScheduleError> {
        Ok(Self {
            value: finite(ScheduleKind::Constant, "value", value)?,
        })
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }
}
