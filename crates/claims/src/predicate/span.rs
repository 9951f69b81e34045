//! A series stays the same, but for so much.

use serde::{Deserialize, Serialize};

use super::{Judge, Judged};
use crate::Over;
use crate::check::{self, Mistake, require};
use crate::every_run::every_run;
use crate::gather::{Seeds, Stop};

/// In every run, the largest value of a series minus the smallest, over some points, is at most a bound.
///
/// Of a logarithm, it bounds a ratio. Reproduced if it is so in every seed, not reproduced if it is so in none, else not
/// decided. One seed is enough.
///
/// ```toml
/// kind = "span"
/// of = "constant-rate/ln-norm-squared"
/// over = { between = [10, 30] }
/// at_most = 0.7  # the norm's square changes by no more than a factor of 2
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The series.
    pub of: String,
    /// The points, at least two.
    pub over: Over,
    /// The bound, in the series' unit.
    pub at_most: f64,
}

impl Judge for Span {
    fn names(&self) -> Vec<(&'static str, &str)> {
        vec![("predicate.of", &self.of)]
    }

    fn check(&self) -> Result<(), Mistake> {
        check::at_least_two("predicate.over", self.over)?;
        let holds = self.at_most >= 0.0 && self.at_most.is_finite();
        let needs = "a finite number, 0 or greater";
        require(holds, "predicate.at_most", self.at_most, needs)
    }

    fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        let ranges = seeds.ranges(&self.of, self.over, 2)?;
        let spans: Vec<(f64, f64)> = ranges
            .iter()
            .map(|(smallest, largest)| largest - smallest)
            .map(|span| (span, span))
            .collect();
        let bounds = [f64::NEG_INFINITY, self.at_most];
        Ok(every_run("largest minus smallest", &spans, bounds))
    }
}
