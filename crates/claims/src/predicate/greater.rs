//! The mean of one series is greater than another's.

use serde::{Deserialize, Serialize};

use super::{Judge, Judged, ninety_percent};
use crate::Over;
use crate::check::{Mistake, require};
use crate::gather::{Seeds, Stop};
use crate::mean_difference::{Bounds, MeanDifference};

/// `μ > by`, where `μ` is the expected difference of two series' means over some points.
///
/// A paired one-sided `t` test: with `dᵢ = mean(a) − mean(b)` in seed `i`, the claim is reproduced if the
/// [confidence interval](crate::Interval) of their mean lies above `by`, which at a confidence of 0.9 happens in at most 5 %
/// of all experiments if `μ ≤ by`. It is not reproduced if the interval lies below, as seldom if `μ ≥ by`; else, or with fewer
/// than 3 seeds, not decided.
///
/// ```toml
/// kind = "greater"
/// a = "cosine/test-accuracy"
/// b = "step-decay/test-accuracy"
/// over = { last = 1 }
/// by = 0.005
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Greater {
    /// The series that is greater.
    pub a: String,
    /// The other.
    pub b: String,
    /// The points that are averaged.
    pub over: Over,
    /// By more than this, in the series' unit; 0 by default.
    #[serde(default)]
    pub by: f64,
    /// Of the two-sided interval; 0.9 by default.
    #[serde(default = "ninety_percent")]
    pub confidence: f64,
}

impl Greater {
    fn difference(&self) -> MeanDifference<'_> {
        MeanDifference {
            a: &self.a,
            b: &self.b,
            over: self.over,
            confidence: self.confidence,
        }
    }
}

impl Judge for Greater {
    fn names(&self) -> Vec<(&'static str, &str)> {
        vec![("predicate.a", &self.a), ("predicate.b", &self.b)]
    }

    fn check(&self) -> Result<(), Mistake> {
        self.difference().check("predicate.over")?;
        let finite = self.by.is_finite();
        require(finite, "predicate.by", self.by, "a finite number")
    }

    fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        let bounds = [self.by, f64::INFINITY];
        self.difference()
            .judge(seeds, bounds, &Bounds::above(self.by))
    }
}
