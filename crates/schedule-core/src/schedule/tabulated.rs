//! The tabulated schedule.

use super::{Extremes, Phase};
use crate::ScheduleError;

/// A value for every step, the last one held; made by
/// [`Schedule::tabulated`](crate::Schedule::tabulated).
#[derive(Clone, Debug, PartialEq)]
pub struct Tabulated {
    values: Vec<f64>,
    /// The last of them, kept apart so that "the value at step t" has an answer by construction.
    last: f64,
}

impl Tabulated {
    pub(super) fn new(values: Vec<f64>) -> Result<Self, ScheduleError> {
        let Some(&last) = values.last() else {
            return Err(ScheduleError::NoValues);
        };
        let not_finite = |(_, value): &(u64, f64)| !value.is_finite();
        if let Some((step, value)) = (0..).zip(values.iter().copied()).find(not_finite) {
            return Err(ScheduleError::TableNotFinite { step, value });
        }
        Ok(Self { values, last })
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        let value = usize::try_from(step)
            .ok()
            .and_then(|step| self.values.get(step));
        value.copied().unwrap_or(self.last)
    }

    pub(super) fn phases(&self) -> Vec<Phase> {
        (0..)
            .zip(self.values.iter().copied())
            .map(|(start, value)| Phase { start, value })
            .collect()
    }

    pub(super) fn extremes(&self, first: u64, last: u64) -> Extremes {
        (0..)
            .zip(self.values.iter().copied())
            .skip(usize::try_from(first).unwrap_or(usize::MAX))
            .take_while(|(step, _)| *step <= last)
            .fold(
                Extremes::at(first, self.at(first)),
                |so_far, (step, value)| so_far.and(Extremes::at(step, value)),
            )
    }

    /// The values from step 0 on.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}
