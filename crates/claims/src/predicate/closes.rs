//! One series is above another at first, and later no more.

use serde::{Deserialize, Serialize};

use super::{Judge, Judged, ninety_percent};
use crate::check::{self, Mistake, require};
use crate::gather::{Seeds, Stop};
use crate::mean_difference::{Bounds, MeanDifference};
use crate::{Over, Verdict};

/// `μ > by` over the points `open`, and `−to < μ < to` over the later points `closed`, where `μ` is the expected difference of
/// two series' means.
///
/// Both parts must hold: the first as in [`Greater`](super::Greater), the second as in [`Equivalent`](super::Equivalent). So a
/// gap that was never open does not close. A change at `x = 80` that helps for an epoch, after which the runs are level within
/// another two, and stay so for eight:
///
/// ```toml
/// kind = "closes"
/// a = "with-drops/test-accuracy"
/// b = "without-drops/test-accuracy"
/// open = { between = [81, 81] }
/// by = 0.05
/// closed = { between = [83, 90] }
/// to = 0.02
/// ```
///
/// Reproduced if both parts are, not reproduced if one is not, else not decided. Since both are needed, the claim is wrongly
/// taken for reproduced no more often than the part that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closes {
    /// The series that is above at first.
    pub a: String,
    /// The other.
    pub b: String,
    /// The points where it is above.
    pub open: Over,
    /// By more than this, no smaller than `to`; in the series' unit.
    pub by: f64,
    /// The points where both are level.
    pub closed: Over,
    /// Differences smaller than this do not matter then; in the series' unit.
    pub to: f64,
    /// Of the two-sided intervals; 0.9 by default.
    #[serde(default = "ninety_percent")]
    pub confidence: f64,
}

impl Closes {
    fn difference(&self, over: Over) -> MeanDifference<'_> {
        MeanDifference {
            a: &self.a,
            b: &self.b,
            over,
            confidence: self.confidence,
        }
    }
}

impl Judge for Closes {
    fn names(&self) -> Vec<(&'static str, &str)> {
        vec![("predicate.a", &self.a), ("predicate.b", &self.b)]
    }

    fn check(&self) -> Result<(), Mistake> {
        self.difference(self.open).check("predicate.open")?;
        self.difference(self.closed).check("predicate.closed")?;
        check::margin("predicate.to", self.to)?;
        // Within the margin the gap would be closed while it is open.
        let needs = "a finite number, no smaller than `predicate.to`";
        let holds = self.by.is_finite() && self.by >= self.to;
        require(holds, "predicate.by", self.by, needs)?;
        match (self.open, self.closed) {
            (Over::Between([_, end]), Over::Between([start, _])) => {
                let needs = "after the points of `predicate.open`";
                require(end < start, "predicate.closed", self.closed, needs)
            }
            _ => Ok(()),
        }
    }

    fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        let above = [self.by, f64::INFINITY];
        let (opened, at_first) =
            self.difference(self.open)
                .judge(seeds, above, &Bounds::above(self.by))?;
        let level = [-self.to, self.to];
        let (closed, later) =
            self.difference(self.closed)
                .judge(seeds, level, &Bounds::margin(self.to))?;
        let verdict = match (opened, closed) {
            (Verdict::Reproduced, Verdict::Reproduced) => Verdict::Reproduced,
            (Verdict::NotReproduced, _) | (_, Verdict::NotReproduced) => Verdict::NotReproduced,
            _ => Verdict::NotDecided,
        };
        Ok((verdict, format!("at first, {at_first}; later, {later}")))
    }
}
