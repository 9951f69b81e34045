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
}

impl<E: Evidence + ?Sized> Evidence for &E {
    fn series(&self, name: &str) -> Option<Series> {
        (**self).series(name)
    }

    fn names(&self) -> Vec<String> {
        (**self).names()
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
    /// Those with `from ≤ x ≤ to`, in units of `x`; `inf` is the end.
    Between([f64; 2]),
}

/// What a series says over a part of it.
pub(crate) enum Part {
    /// Its points there, all finite.
    Points(Vec<(f64, f64)>),
    /// The run had diverged there, from this `x` on.
    Diverged(f64),
    /// It has no points there, or too few.
    Missing,
}

impl Series {
    pub(crate) fn over(&self, over: Over) -> Part {
        let points: Vec<(f64, f64)> = match over {
            Over::Last(count) => {
                let Some(skipped) = self.points.len().checked_sub(count) else {
                    return self.diverged_before(f64::INFINITY);
                };
                self.points[skipped..].to_vec()
            }
            Over::Between([from, to]) => {
                let inside = |&&(x, _): &&(f64, f64)| from <= x && x <= to;
                self.points.iter().filter(inside).copied().collect()
            }
        };
        match points.iter().find(|(_, y)| !y.is_finite()) {
            Some(&(x, _)) => Part::Diverged(x),
            None => match (points.is_empty(), over) {
                (true, Over::Between([_, to])) => self.diverged_before(to),
                (true, Over::Last(_)) => Part::Missing,
                (false, _) => Part::Points(points),
            },
        }
    }

    /// Training ends where every run has diverged, so what comes later was never recorded.
    fn diverged_before(&self, end: f64) -> Part {
        match self.points.last() {
            Some(&(x, y)) if !y.is_finite() && x <= end => Part::Diverged(x),
            _ => Part::Missing,
        }
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
