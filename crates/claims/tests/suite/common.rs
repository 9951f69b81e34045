//! Evidence and claims for tests.
use std::collections::BTreeMap;

use claims::{Claim, Evidence, EvidenceError, Outcome, Series, Verdict};

/// One seed's series, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seed(pub(crate) BTreeMap<String, Vec<(f64, f64)>>);

impl Seed {
    /// Series with one value after each of the epochs 1, 2, …
    pub(crate) fn new(series: &[(&str, &[f64])]) -> Self {
        let points = |ys: &[f64]| (1..).map(f64::from).zip(ys.iter().copied()).collect();
        let named = |&(name, ys): &(&str, &[f64])| (name.to_owned(), points(ys));
        Self(series.iter().map(named).collect())
    }
}

impl Evidence for Seed {
    fn series(&self, name: &str) -> Option<Series> {
        let points = self.0.get(name)?.clone();
        Some(Series { points })
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// A claim of this predicate, in TOML.
pub(crate) fn claim(predicate: &str) -> Claim {
    try_claim(predicate).unwrap_or_else(|error| panic!("{predicate}: {error}"))
}

pub(crate) fn try_claim(predicate: &str) -> Result<Claim, toml::de::Error> {
    let words = r#"id = "claim", says = "so it is", source = "the paper""#;
    let document: BTreeMap<String, Claim> = toml::from_str(&format!(
        "claim = {{ {words}, predicate = {{ {predicate} }} }}"
    ))?;
    Ok(document["claim"].clone())
}

pub(crate) fn outcome(claim: &Claim, seeds: &[Seed]) -> Outcome {
    evaluate(claim, seeds).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn verdict(claim: &Claim, seeds: &[Seed]) -> Verdict {
    outcome(claim, seeds).verdict
}

pub(crate) fn evaluate(claim: &Claim, seeds: &[Seed]) -> Result<Outcome, EvidenceError> {
    claims::evaluate(claim, seeds)
}

/// Seeds in which `a/y` ends this much above `b/y`.
pub(crate) fn differences(differences: &[f64]) -> Vec<Seed> {
    let seed = |&difference: &f64| Seed::new(&[("a/y", &[0.5, difference]), ("b/y", &[0.25, 0.0])]);
    differences.iter().map(seed).collect()
}
