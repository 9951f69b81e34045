//! What simulations found.

use std::collections::BTreeMap;
use std::ops::Range;

use claims::{Evidence, Series};

use super::Observation;

/// Series of every seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// One for each seed, in order.
    pub seeds: Vec<SeedFindings>,
}

/// Series of one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedFindings {
    /// The seed.
    pub seed: u64,
    /// By name, `"run/quantity"`.
    pub series: BTreeMap<String, Series>,
}

impl Evidence for SeedFindings {
    fn series(&self, name: &str) -> Option<Series> {
        self.series.get(name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.series.keys().cloned().collect()
    }

    fn seed(&self) -> Option<String> {
        Some(self.seed.to_string())
    }
}

impl Findings {
    pub(super) fn new(seeds: Range<u64>) -> Self {
        let empty = |seed| SeedFindings {
            seed,
            series: BTreeMap::new(),
        };
        Self {
            seeds: seeds.map(empty).collect(),
        }
    }

    pub(super) fn add(&mut self, seed: u64, run: &str, observations: Vec<Observation>) {
        let Some(own) = self.seeds.iter_mut().find(|own| own.seed == seed) else {
            return;
        };
        for Observation { quantity, x, y } in observations {
            let series = own.series.entry(format!("{run}/{quantity}")).or_default();
            series.points.push((x, y));
        }
    }

    /// The mean of a series over seeds with its standard error, `(x, mean, error)`; the error is NaN for one seed, and there are no points
    /// for a name that there is not.
    #[must_use]
    pub fn over_seeds(&self, name: &str) -> Vec<(f64, f64, f64)> {
        let all = || self.seeds.iter().filter_map(|seed| seed.series.get(name));
        let Some(first) = all().next() else {
            return Vec::new();
        };
        let count = all().count() as f64;
        let at = |(index, &(x, _)): (usize, &(f64, f64))| {
            let values = || {
                all()
                    .filter_map(|series| series.points.get(index))
                    .map(|point| point.1)
            };
            let mean = values().sum::<f64>() / count;
            let squares: f64 = values().map(|y| (y - mean).powi(2)).sum();
            (x, mean, (squares / (count - 1.0) / count).sqrt())
        };
        first.points.iter().enumerate().map(at).collect()
    }
}
