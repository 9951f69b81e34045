//! The points that a claim is about, of every seed, or why there are none.

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

    /// For each seed, the points of a series: at least one, finite, and at the same `x` in every seed.
    pub(crate) fn points(&self, name: &str, over: Over) -> Result<Vec<Points>, Stop> {
        let mut all = Vec::with_capacity(self.count());
        for (index, evidence) in self.evidence.iter().enumerate() {
            let series = evidence
                .series(name)
                .ok_or_else(|| self.unknown(name, index))?;
            match series.over(over) {
                Part::Points(points) => all.push(points),
                Part::Diverged(x) => return Err(self.diverged(name, index, x)),
                Part::Missing => return Err(self.too_few(name, over, index, &series)),
            }
        }
        for (index, points) in all.iter().enumerate() {
            self.same_points(over, (name, 0, &all[0]), (name, index, points))?;
        }
        Ok(all)
    }

    /// For each seed, the mean of one series minus the mean of another.
    pub(crate) fn differences(&self, a: &str, b: &str, over: Over) -> Result<Vec<f64>, Stop> {
        let (all_a, all_b) = (self.points(a, over)?, self.points(b, over)?);
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
            format!("{name}` of seed {} of {}", index + 1, self.count())
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

    fn diverged(&self, name: &str, index: usize, x: f64) -> Stop {
        Stop::Diverged(format!(
            "the run of `{name}` had diverged at {x} in seed {} of {}",
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
    points.iter().map(|&(_, y)| y).sum::<f64>() / points.len() as f64
}
