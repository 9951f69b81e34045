//! A series stays within bounds.

use serde::{Deserialize, Serialize};

use super::{Judge, Judged};
use crate::Over;
use crate::check::{self, Mistake};
use crate::every_run::every_run;
use crate::gather::{Seeds, Stop};

/// In every run, `lowest ≤ y ≤ highest` at every one of some points.
///
/// Reproduced if it is so in every seed, not reproduced if it is so in none, else not decided. One seed is enough.
///
/// ```toml
/// kind = "range"
/// of = "exact/gap"
/// over = { between = [0, 1] }
/// within = [-inf, 1e-3]  # at most 0.001
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The series.
    pub of: String,
    /// The points.
    pub over: Over,
    /// The smallest and the largest value; one may be infinite.
    pub within: [f64; 2],
}

impl Judge for Range {
    fn names(&self) -> Vec<(&'static str, &str)> {
        vec![("predicate.of", &self.of)]
    }

    fn check(&self) -> Result<(), Mistake> {
        check::over("predicate.over", self.over)?;
        check::within(self.within)
    }

    fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        let ranges = seeds.ranges(&self.of, self.over, 1)?;
        Ok(every_run("values", &ranges, self.within))
    }
}
