//! The range of a schedule, with where it is reached.

/// The smallest and the largest value on an interval, each with a step at which it is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Extremes {
    /// A step with the smallest value, and the value.
    pub smallest: (u64, f64),
    /// A step with the largest one.
    pub largest: (u64, f64),
}

impl Extremes {
    /// The extremes of one step.
    pub(crate) fn at(step: u64, value: f64) -> Self {
        Self {
            smallest: (step, value),
            largest: (step, value),
        }
    }

    /// The extremes of both; of equals, the first.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            smallest: if other.smallest.1 < self.smallest.1 {
                other.smallest
            } else {
                self.smallest
            },
            largest: if other.largest.1 > self.largest.1 {
                other.largest
            } else {
                self.largest
            },
        }
    }

    /// The same extremes when the schedule starts `start` steps later.
    pub(crate) fn delayed(self, start: u64) -> Self {
        let delay = |(step, value): (u64, f64)| (step.saturating_add(start), value);
        Self {
            smallest: delay(self.smallest),
            largest: delay(self.largest),
        }
    }
}
