//! A series rises or falls at a certain rate.

use serde::{Deserialize, Serialize};

use super::{Judge, Judged};
use crate::Over;
use crate::check::{self, Mistake};
use crate::every_run::every_run;
use crate::gather::{Points, Seeds, Stop};

/// In every run, the least-squares slope `Σ(x − x̄)(y − ȳ) / Σ(x − x̄)²` of a series over some points lies within bounds.
///
/// Reproduced if it does in every seed, not reproduced if it does in none, else not decided. One seed is enough: the claim is
/// about each run, so that several add safety, but no number to average.
///
/// ```toml
/// kind = "slope"
/// of = "constant-rate/ln-norm-squared-over-rate"
/// over = { between = [10, 30] }
/// within = [-0.01, 0.01]  # a unit of y for a unit of x, here an epoch
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slope {
    /// The series.
    pub of: String,
    /// The points, at least two.
    pub over: Over,
    /// The smallest and the largest slope; one may be infinite.
    pub within: [f64; 2],
}

impl Judge for Slope {
    fn names(&self) -> Vec<(&'static str, &str)> {
        vec![("predicate.of", &self.of)]
    }

    fn check(&self) -> Result<(), Mistake> {
        check::at_least_two("predicate.over", self.over)?;
        check::within(self.within)
    }

    fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        let slopes: Vec<(f64, f64)> = seeds
            .points(&self.of, self.over, 2)?
            .iter()
            .map(least_squares)
            .map(|slope| (slope, slope))
            .collect();
        Ok(every_run("slope", &slopes, self.within))
    }
}

/// The `x` increase, so at two points or more the sum of squares is not 0.
fn least_squares(points: &Points) -> f64 {
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x / n).sum::<f64>();
    let mean_y = points.iter().map(|(_, y)| y / n).sum::<f64>();
    let covariance: f64 = points
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    covariance
        / points
            .iter()
            .map(|(x, _)| (x - mean_x).powi(2))
            .sum::<f64>()
}
