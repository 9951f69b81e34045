//! The confidence interval of a mean, and what it decides.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::Verdict;

/// Two-sided confidence interval of the mean of independent, normally distributed values.
///
/// `x̄ ± t_{(1+c)/2, n−1} · s/√n`, where `t` is a quantile of Student's distribution and `s² = Σ(xᵢ − x̄)²/(n − 1)`.
///
/// ```
/// let interval = claims::Interval::of_mean(&[1.0, 2.0, 3.0], 0.9).unwrap();
/// assert_eq!(interval.mean, 2.0);
/// assert!((interval.half_width - 2.92 / 3f64.sqrt()).abs() < 1e-3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// `x̄`.
    pub mean: f64,
    /// Half its width.
    pub half_width: f64,
}

impl Interval {
    /// At confidence `0 < c < 1`; `None` for fewer than [`Interval::MIN_VALUES`] values, another `c` or a value that is
    /// not finite.
    pub fn of_mean(values: &[f64], confidence: f64) -> Option<Self> {
        let finite = values.iter().all(|value| value.is_finite());
        if values.len() < Self::MIN_VALUES || !(finite && 0.0 < confidence && confidence < 1.0) {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let student = StudentsT::new(0.0, 1.0, n - 1.0).ok()?;
        let quantile = student.inverse_cdf(0.5 + 0.5 * confidence);
        let half_width = quantile * (squares / (n - 1.0) / n).sqrt();
        Some(Self { mean, half_width })
    }

    /// Two values may agree by chance, when accuracies are counts of images; then `s = 0` and the interval is a point.
    pub const MIN_VALUES: usize = 3;

    /// Its lower end.
    pub fn lower(&self) -> f64 {
        self.mean - self.half_width
    }

    /// Its upper end.
    pub fn upper(&self) -> f64 {
        self.mean + self.half_width
    }

    /// Of the claim that the mean lies between two bounds: it does if the interval does, and does not if all of the interval
    /// is beyond them; where the interval reaches over a bound, both may be.
    pub(crate) fn decides(&self, lowest: f64, highest: f64) -> Verdict {
        if lowest < self.lower() && self.upper() < highest {
            Verdict::Reproduced
        } else if self.upper() < lowest || highest < self.lower() {
            Verdict::NotReproduced
        } else {
            Verdict::NotDecided
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_interval_of_too_little_or_at_no_confidence() {
        let values = [1.0, 2.0, 4.0];
        assert!(Interval::of_mean(&values, 0.9).is_some());
        for confidence in [-0.5, 0.0, 1.0, 1.5, f64::NAN] {
            assert_eq!(Interval::of_mean(&values, confidence), None, "{confidence}");
        }
        assert_eq!(Interval::of_mean(&values[..2], 0.9), None);
        for value in [f64::NAN, f64::INFINITY] {
            assert_eq!(Interval::of_mean(&[1.0, 2.0, value], 0.9), None);
        }
    }
}
