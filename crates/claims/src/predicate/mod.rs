//! What a claim may say, one file a predicate.

mod equivalent;

pub use equivalent::Equivalent;

use serde::{Deserialize, Serialize};

use crate::Verdict;
use crate::gather::{Seeds, Stop};

/// When a claim holds. In TOML, `kind` says which predicate it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Predicate {
    /// Two series have the same mean, but for a margin.
    Equivalent(Equivalent),
}

/// A verdict, and the sentence with the numbers.
pub(crate) type Judged = (Verdict, String);

impl Predicate {
    pub(crate) fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        match self {
            Self::Equivalent(equivalent) => equivalent.judge(seeds),
        }
    }
}

/// The default of every `confidence`: tests at 5 % on each side.
fn ninety_percent() -> f64 {
    0.9
}
