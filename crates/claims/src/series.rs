//! What is measured: series, where they come from, and which of their points count.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One quantity of one run, over training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// `(x, y)`, `x` increasing: epochs in what a run folder gives. A `y` that is not finite says that there is no such number
    /// because the run had diverged; what was merely not recorded is no point.
    pub points: Vec<(f64, f64)>,
}

/// Everything measured with one seed: the runs of one run folder, or of one simulation.
///
/// ```
/// use claims::{Evidence, Series};
///
/// struct Parabola;
/// impl Evidence for Parabola {
///     fn series(&self, name: &str) -> Option<Series> {
///         let points = (0..10).map(|x| (f64::from(x), f64::from(x * x)));
///         (name == "parabola/value").then(|| Series { points: points.collect() })
///     }
///     fn names(&self) -> Vec<String> {
///         vec!["parabola/value".to_owned()]
///     }
/// }
/// assert!(Parabola.names().iter().all(|name| Parabola.series(name).is_some()));
/// ```
pub trait Evidence {
    /// The series of this name, `"run/quantity"`, such as `"step-decay/test-accuracy"`; `None` if there is none.
    fn series(&self, name: &str) -> Option<Series>;

    /// The names of all series there are, for the sentence that says that another is not.
    fn names(&self) -> Vec<String>;

    /// What sets it apart from other seeds, if it is known: evidence of which this is the same is counted once.
    fn seed(&self) -> Option<String> {
        None
    }

    /// Where it stopped, such as "after step 8 of 12", if that was too early: then nothing is known about what would come after.
    fn stopped(&self) -> Option<String> {
        None
    }
}

impl<E: Evidence + ?Sized> Evidence for &E {
    fn series(&self, name: &str) -> Option<Series> {
        (**self).series(name)
    }

    fn names(&self) -> Vec<String> {
        (**self).names()
    }

    fn seed(&self) -> Option<String> {
        (**self).seed()
    }

    fn stopped(&self) -> Option<String> {
        (**self).stopped()
    }
}

/// Which points of a series a claim is about.
///
/// In TOML, `over = { last = 5 }` or `over = { between = [80, 120] }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// The last so many, of which there must be so many.
    Last(usize),
    /// Those with `from ≤ x ≤ to`, in units of `x`; `inf` is the end of training, and any other end must be reached.
    Between([f64; 2]),
}

/// What a series says over a part of it.
pub(crate) enum Part {
    /// Its points there, all finite; perhaps none.
    Points(Vec<(f64, f64)>),
    /// The run had diverged there, or before, at this `x`.
    Diverged(f64),
    /// It ends before.
    Missing,
}

impl Series {
    pub(crate) fn over(&self, over: Over) -> Part {
        let (start, end) = match over {
            Over::Last(count) => (self.points.len().checked_sub(count), self.points.len()),
            Over::Between([from, to]) => {
                let start = self.points.partition_point(|&(x, _)| x < from);
                let end = self.points.partition_point(|&(x, _)| x <= to);
                (self.reaches(to).then_some(start.min(end)), end)
            }
        };
        let points = start.map(|start| &self.points[start..end]);
        // Training ends where every run has diverged: what would come after the last point was never recorded.
        let suspects = points.unwrap_or_default().iter();
        let mut suspects = suspects.chain(self.points[..end].last());
        match (suspects.find(|(_, y)| !y.is_finite()), points) {
            (Some(&(x, _)), _) => Part::Diverged(x),
            (None, Some(points)) => Part::Points(points.to_vec()),
            (None, None) => Part::Missing,
        }
    }

    /// Whether there may be points that were never recorded, had training gone on.
    pub(crate) fn ends_before(&self, over: Over) -> bool {
        match over {
            Over::Last(_) => true,
            Over::Between([_, to]) => self.points.last().is_none_or(|&(x, _)| x < to),
        }
    }

    /// Whether this is no later than the point that would come after the last.
    fn reaches(&self, to: f64) -> bool {
        let [.., (before, _), (last, _)] = self.points[..] else {
            return to == f64::INFINITY || self.points.last().is_some_and(|&(x, _)| to <= x);
        };
        // Quotients of steps and steps in an epoch are rounded.
        to == f64::INFINITY || to <= last + (1.0 + 1e-6) * (last - before)
    }

    /// The first `x` that is not a number greater than the one before it.
    pub(crate) fn disorder(&self) -> Option<f64> {
        let mut before = f64::NEG_INFINITY;
        let mut xs = self.points.iter().map(|&(x, _)| x);
        xs.find(|&x| {
            let ordered = before < x && x.is_finite();
            before = x;
            !ordered
        })
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last(count) => write!(f, "last = {count}"),
            Self::Between([from, to]) => write!(f, "between = [{from}, {to}]"),
        }
    }
}
