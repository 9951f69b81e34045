//! The points that a claim is about, of every seed, or why there are none.

use crate::number::number;
use crate::series::Part;
use crate::{Evidence, EvidenceError, Over, Series};

/// The seeds' evidence, and the claim that it is for.
pub(crate) struct Seeds<'a> {
    pub(crate) claim: &'a str,
    pub(crate) evidence: &'a [&'a dyn Evidence],
}

/// Why there are no points to judge by.
pub(crate) enum Stop {
    /// The question cannot be asked of this evidence.
    Error(EvidenceError),
    /// It can, and a run diverged: a sentence.
    Diverged(String),
}

/// What one seed measured.
pub(crate) type Points = Vec<(f64, f64)>;

impl Seeds<'_> {
    pub(crate) fn count(&self) -> usize {
        self.evidence.len()
    }

    /// For each seed, the points of a series: at least so many, finite, and at the same `x` in every seed.
    pub(crate) fn points(&self, name: &str, over: Over, least: usize) -> Result<Vec<Points>, Stop> {
        let mut all: Vec<Points> = Vec::with_capacity(self.count());
        for (index, evidence) in self.evidence.iter().enumerate() {
            let series = evidence
                .series(name)
                .ok_or_else(|| self.unknown(name, index))?;
            if let Some(x) = series.disorder() {
                return Err(self.disordered(name, index, x));
            }
            let points = match series.over(over) {
                Part::Diverged(x) => return Err(self.diverged(name, index, x)),
                Part::Points(points) => points,
                Part::Missing => Vec::new(),
            };
            if let Some(stopped) = evidence.stopped().filter(|_| series.ends_before(over)) {
                return Err(self.stopped(name, over, index, stopped));
            }
            if points.len() < least {
                return Err(self.too_few(name, over, index, &series));
            }
            let first = all.first().unwrap_or(&points);
            self.same_points(over, (name, 0, first), (name, index, &points))?;
            all.push(points);
        }
        Ok(all)
    }

    /// For each seed, the smallest and the largest value of a series.
    pub(crate) fn ranges(
        &self,
        name: &str,
        over: Over,
        least: usize,
    ) -> Result<Vec<(f64, f64)>, Stop> {
        let range = |points: &Points| {
            let ys = points.iter().map(|&(_, y)| y);
            let smallest = ys.clone().fold(f64::INFINITY, f64::min);
            (smallest, ys.fold(f64::NEG_INFINITY, f64::max))
        };
        Ok(self.points(name, over, least)?.iter().map(range).collect())
    }

    /// For each seed, the mean of one series minus the mean of another.
    pub(crate) fn differences(&self, a: &str, b: &str, over: Over) -> Result<Vec<f64>, Stop> {
        let (all_a, all_b) = (self.points(a, over, 1)?, self.points(b, over, 1)?);
        let pairs = all_a.iter().zip(&all_b).enumerate();
        pairs
            .map(|(index, (of_a, of_b))| {
                self.same_points(over, (a, index, of_a), (b, index, of_b))?;
                Ok(mean(of_a) - mean(of_b))
            })
            .collect()
    }

    fn same_points(
        &self,
        over: Over,
        first: (&str, usize, &Points),
        second: (&str, usize, &Points),
    ) -> Result<(), Stop> {
        let xs = |points: &Points| points.iter().map(|&(x, _)| x).collect::<Vec<_>>();
        if xs(first.2) == xs(second.2) {
            return Ok(());
        }
        let who = |(name, index, _): (&str, usize, &Points)| {
            format!("`{name}` of seed {} of {}", index + 1, self.count())
        };
        Err(Stop::Error(EvidenceError::DifferentPoints {
            claim: self.claim.to_owned(),
            over: over.to_string(),
            first: who(first),
            second: who(second),
            first_at: extent(first.2),
            second_at: extent(second.2),
        }))
    }

    fn unknown(&self, name: &str, index: usize) -> Stop {
        Stop::Error(EvidenceError::UnknownSeries {
            claim: self.claim.to_owned(),
            seed: index + 1,
            seeds: self.count(),
            name: name.to_owned(),
            known: self.evidence[index].names(),
        })
    }

    fn too_few(&self, name: &str, over: Over, index: usize, series: &Series) -> Stop {
        let (points, ends) = extent(&series.points);
        Stop::Error(EvidenceError::TooFewPoints {
            claim: self.claim.to_owned(),
            seed: index + 1,
            seeds: self.count(),
            name: name.to_owned(),
            over: over.to_string(),
            points,
            ends,
        })
    }

    fn disordered(&self, name: &str, index: usize, x: f64) -> Stop {
        Stop::Error(EvidenceError::Disordered {
            claim: self.claim.to_owned(),
            seed: index + 1,
            seeds: self.count(),
            name: name.to_owned(),
            x,
        })
    }

    fn stopped(&self, name: &str, over: Over, index: usize, stopped: String) -> Stop {
        Stop::Error(EvidenceError::Stopped {
            claim: self.claim.to_owned(),
            seed: index + 1,
            seeds: self.count(),
            name: name.to_owned(),
            over: over.to_string(),
            stopped,
        })
    }

    fn diverged(&self, name: &str, index: usize, x: f64) -> Stop {
        Stop::Diverged(format!(
            "the run of `{name}` had diverged at x = {} in seed {} of {}",
            number(x),
            index + 1,
            self.count()
        ))
    }
}

fn extent(points: &Points) -> (usize, Option<(f64, f64)>) {
    let ends = points.first().zip(points.last());
    (points.len(), ends.map(|(first, last)| (first.0, last.0)))
}

fn mean(points: &Points) -> f64 {
    let n = points.len() as f64;
    points.iter().map(|&(_, y)| y / n).sum()
}
