//! What several seeds say about the mean of a difference.

use crate::check::{self, Mistake};
use crate::gather::{Seeds, Stop};
use crate::number::{number, percent, seeds as count, signed};
use crate::predicate::Judged;
use crate::{Interval, Over, Verdict};

/// Two series, paired in every seed, at the points where they are compared.
pub(crate) struct MeanDifference<'a> {
    pub(crate) a: &'a str,
    pub(crate) b: &'a str,
    pub(crate) over: Over,
    pub(crate) confidence: f64,
}

impl MeanDifference<'_> {
    pub(crate) fn check(&self, over: &'static str) -> Result<(), Mistake> {
        check::two(self.a, self.b)?;
        check::over(over, self.over)?;
        check::confidence(self.confidence)
    }

    /// Whether it lies between two bounds, of which `bounds` speaks.
    pub(crate) fn judge(
        &self,
        seeds: &Seeds<'_>,
        [lowest, highest]: [f64; 2],
        bounds: &Bounds,
    ) -> Result<Judged, Stop> {
        let differences = seeds.differences(self.a, self.b, self.over)?;
        let n = count(differences.len());
        let Some(interval) = Interval::of_mean(&differences, self.confidence) else {
            let mean = differences.iter().sum::<f64>() / differences.len() as f64;
            let least = Interval::MIN_VALUES;
            let why = match differences.len() < least {
                true => format!("of which an interval needs {least}"),
                false => "too large for an interval in float64".to_owned(),
            };
            let sentence = format!("mean difference {} over {n}, {why}", signed(mean));
            return Ok((Verdict::NotDecided, sentence));
        };
        let verdict = interval.decides(lowest, highest);
        let lies = match verdict {
            Verdict::Reproduced => bounds.inside,
            Verdict::NotReproduced => bounds.outside,
            Verdict::NotDecided => bounds.across,
        };
        let sentence = format!(
            "mean difference {} over {n}, {} % interval [{}, {}], {lies} {}",
            signed(interval.mean),
            percent(self.confidence),
            number(interval.lower()),
            number(interval.upper()),
            bounds.bound
        );
        Ok((verdict, sentence))
    }
}

/// Words for where an interval lies.
pub(crate) struct Bounds {
    inside: &'static str,
    outside: &'static str,
    across: &'static str,
    bound: String,
}

impl Bounds {
    pub(crate) fn margin(margin: f64) -> Self {
        Self {
            inside: "inside",
            outside: "outside",
            across: "neither inside nor outside",
            bound: format!("±{margin}"),
        }
    }

    pub(crate) fn above(bound: f64) -> Self {
        Self {
            inside: "above",
            outside: "below",
            across: "neither above nor below",
            bound: format!("{bound}"),
        }
    }
}
