//! The piecewise constant schedule.

use super::{Extremes, ScheduleKind, finite};
use crate::ScheduleError;
use crate::segments::{OutOfOrder, Segments};

/// An interval on which a schedule is constant; it ends where the next one starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// The first step.
    pub start: u64,
    /// The value from there on.
    pub value: f64,
}

/// A given value in each interval; made by [`Schedule::piecewise`](crate::Schedule::piecewise).
#[derive(Clone, Debug, PartialEq)]
pub struct Piecewise {
    segments: Segments<f64>,
}

impl Piecewise {
    pub(super) fn new(values: &[f64], boundaries: &[u64]) -> Result<Self, ScheduleError> {
        let kind = ScheduleKind::Piecewise;
        let count = ScheduleError::ValueCount {
            values: values.len(),
            boundaries: boundaries.len(),
        };
        let Some((first, later)) = values.split_first() else {
            return Err(count);
        };
        if later.len() != boundaries.len() {
            return Err(count);
        }
        for value in values {
            finite(kind, "value", *value)?;
        }
        let later = boundaries
            .iter()
            .copied()
            .zip(later.iter().copied())
            .collect();
        let segments = Segments::new(*first, later).map_err(|found| found.in_schedule(kind))?;
        Ok(Self { segments })
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        *self.segments.locate(step).1
    }

    /// The intervals as given, equal neighbours included.
    #[must_use]
    pub fn phases(&self) -> Vec<Phase> {
        self.segments
            .iter()
            .map(|(start, value)| Phase {
                start,
                value: *value,
            })
            .collect()
    }

    pub(super) fn extremes(&self, first: u64, last: u64) -> Extremes {
        self.segments
            .spans()
            .filter(|(start, end, _)| *start <= last && first <= *end)
            .fold(
                Extremes::at(first, self.at(first)),
                |so_far, (start, _, value)| so_far.and(Extremes::at(start.max(first), *value)),
            )
    }
}

impl OutOfOrder {
    pub(super) fn in_schedule(self, kind: ScheduleKind) -> ScheduleError {
        ScheduleError::OutOfOrder {
            kind,
            index: self.index,
            previous: self.previous,
            step: self.start,
        }
    }
}
