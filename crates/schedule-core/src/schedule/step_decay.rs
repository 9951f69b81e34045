//! The step decay.

use super::{Phase, ScheduleKind, finite};
use crate::ScheduleError;
use crate::segments::check_starts;

/// A factor applied at each milestone; made by [`Schedule::step_decay`](crate::Schedule::step_decay).
#[derive(Clone, Debug, PartialEq)]
pub struct StepDecay {
    initial: f64,
    factor: f64,
    milestones: Vec<u64>,
}

impl StepDecay {
    pub(super) fn new(
        initial: f64,
        factor: f64,
        milestones: &[u64],
    ) -> Result<Self, ScheduleError> {
        let kind = ScheduleKind::StepDecay;
        finite(kind, "initial value", initial)?;
        finite(kind, "factor", factor)?;
        if factor <= 0.0 {
            return Err(ScheduleError::FactorNotPositive { factor });
        }
        check_starts(milestones.iter().copied()).map_err(|found| found.in_schedule(kind))?;
        // Monotone in the number of milestones, so the last value is the only one to check.
        if !(initial * power(factor, milestones.len())).is_finite() {
            return Err(ScheduleError::StepDecayOverflows {
                initial,
                factor,
                milestones: milestones.len(),
            });
        }
        Ok(Self {
            initial,
            factor,
            milestones: milestones.to_vec(),
        })
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        self.after(
            self.milestones
                .partition_point(|milestone| *milestone <= step),
        )
    }

    pub(super) fn phases(&self) -> Vec<Phase> {
        std::iter::once(0)
            .chain(self.milestones.iter().copied())
            .enumerate()
            .map(|(passed, start)| Phase {
                start,
                value: self.after(passed),
            })
            .collect()
    }

    fn after(&self, passed: usize) -> f64 {
        self.initial * power(self.factor, passed)
    }

    /// The value before the first milestone.
    #[must_use]
    pub fn initial(&self) -> f64 {
        self.initial
    }

    /// The factor applied at each milestone.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The steps at which the factor is applied.
    #[must_use]
    pub fn milestones(&self) -> &[u64] {
        &self.milestones
    }
}

/// `base^exponent` by squaring. Not `f64::powi`, whose rounding may differ between machines.
fn power(base: f64, mut exponent: usize) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent % 2 == 1 {
            result *= square;
        }
        square *= square;
        exponent /= 2;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::power;

    #[test]
    fn powers_by_squaring_are_powers() {
        assert_eq!(
            [
                power(2.0, 0),
                power(2.0, 1),
                power(2.0, 10),
                power(2.0, 1023)
            ],
            [1.0, 2.0, 1024.0, 2f64.powi(1023)]
        );
        assert_eq!(power(0.1, usize::MAX), 0.0);
        assert_eq!(power(1.5, usize::MAX), f64::INFINITY);
    }
}
