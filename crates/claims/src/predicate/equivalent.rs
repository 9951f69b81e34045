//! Two series have the same mean, but for a margin.

use serde::{Deserialize, Serialize};

use super::{Judged, ninety_percent};
use crate::gather::{Seeds, Stop};
use crate::interval::Interval;
use crate::number::{number, seeds as count, signed};
use crate::{Over, Verdict};

/// `−margin < μ < margin`, where `μ` is the expected difference of the two series' means over some points.
///
/// Two one-sided tests, paired (Schuirmann 1987): with `dᵢ = mean(a) − mean(b)` in seed `i`, the claim is reproduced if the
/// confidence interval of their mean lies inside `±margin`, which at a confidence of 0.9 happens in at most 5 % of all
/// experiments if `|μ| ≥ margin`. It is not reproduced if the interval lies outside, and else, or with fewer than 3 seeds,
/// not decided: that a difference is not significant never counts as equality.
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
    pub(super) fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        let differences = seeds.differences(&self.a, &self.b, self.over)?;
        let n = count(differences.len());
        let Some(interval) = Interval::of_mean(&differences, self.confidence) else {
            let mean = differences.iter().sum::<f64>() / differences.len() as f64;
            let sentence = format!(
                "mean difference {} over {n}, of which an interval needs {}",
                signed(mean),
                Interval::MIN_VALUES
            );
            return Ok((Verdict::NotDecided, sentence));
        };
        let verdict = interval.decides(-self.margin, self.margin);
        let lies = match verdict {
            Verdict::Reproduced => "inside",
            Verdict::NotReproduced => "outside",
            Verdict::NotDecided => "neither inside nor outside",
        };
        let sentence = format!(
            "mean difference {} over {n}, {} % interval [{}, {}], {lies} ±{}",
            signed(interval.mean),
            100.0 * self.confidence,
            number(interval.lower()),
            number(interval.upper()),
            self.margin
        );
        Ok((verdict, sentence))
    }
}
