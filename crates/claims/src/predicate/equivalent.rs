//! Two series have the same mean, but for a margin.

use serde::{Deserialize, Serialize};

use super::{Judge, Judged, ninety_percent};
use crate::Over;
use crate::check::{self, Mistake};
use crate::gather::{Seeds, Stop};
use crate::mean_difference::{Bounds, MeanDifference};

/// `−margin < μ < margin`, where `μ` is the expected difference of two series' means over some points.
///
/// Two one-sided tests, paired (Schuirmann 1987): with `dᵢ = mean(a) − mean(b)` in seed `i`, the claim is reproduced if the
/// [confidence interval](crate::Interval) of their mean lies inside `±margin`, which at a confidence of 0.9 happens in at
/// most 5 % of all experiments if `|μ| ≥ margin`. It is not reproduced if the interval lies outside, which happens in at most
/// 10 % of all experiments if `|μ| ≤ margin`. Else, or with fewer than 3 seeds, it is not decided: that a difference is not
/// significant never counts as equality.
///
/// ```toml
/// kind = "equivalent"
/// a = "step-decay/test-accuracy"
/// b = "exact/test-accuracy"
/// over = { last = 5 }
/// margin = 0.02
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equivalent {
    /// One series.
    pub a: String,
    /// The other.
    pub b: String,
    /// The points that are averaged.
    pub over: Over,
    /// Differences smaller than this do not matter; in the series' unit.
    pub margin: f64,
    /// Of the two-sided interval; 0.9 by default.
    #[serde(default = "ninety_percent")]
    pub confidence: f64,
}

impl Equivalent {
    fn difference(&self) -> MeanDifference<'_> {
        MeanDifference {
            a: &self.a,
            b: &self.b,
            over: self.over,
            confidence: self.confidence,
        }
    }
}

impl Judge for Equivalent {
    fn names(&self) -> Vec<(&'static str, &str)> {
        vec![("predicate.a", &self.a), ("predicate.b", &self.b)]
    }

    fn check(&self) -> Result<(), Mistake> {
        self.difference().check("predicate.over")?;
        check::margin("predicate.margin", self.margin)
    }

    fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        let bounds = [-self.margin, self.margin];
        self.difference()
            .judge(seeds, bounds, &Bounds::margin(self.margin))
    }
}
