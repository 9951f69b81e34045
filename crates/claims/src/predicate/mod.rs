//! What a claim may say, one file a predicate.

mod closes;
mod equivalent;
mod greater;
mod range;
mod slope;
mod span;

pub use closes::Closes;
pub use equivalent::Equivalent;
pub use greater::Greater;
pub use range::Range;
pub use slope::Slope;
pub use span::Span;

use serde::{Deserialize, Serialize};

use crate::Verdict;
use crate::check::Mistake;
use crate::gather::{Seeds, Stop};

/// When a claim holds. In TOML, `kind` says which predicate it is.
///
/// The first three are about a mean over seeds: they need 3 seeds, and are decided unless a confidence interval reaches over a
/// bound. The last three are about every run: each seed says yes or no, and they are decided if all agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Predicate {
    /// Two series have the same mean, but for a margin.
    Equivalent(Equivalent),
    /// The mean of one series is greater than another's.
    Greater(Greater),
    /// One series is above another at first, and later no more.
    Closes(Closes),
    /// A series rises or falls at a certain rate.
    Slope(Slope),
    /// A series stays within bounds.
    Range(Range),
    /// A series stays the same, but for so much.
    Span(Span),
}

/// A verdict, and the sentence with the numbers.
pub(crate) type Judged = (Verdict, String);

/// What every predicate does, in the order in which it is done.
trait Judge {
    /// The series it names, each with its key.
    fn names(&self) -> Vec<(&'static str, &str)>;

    /// Whether its thresholds make sense.
    fn check(&self) -> Result<(), Mistake>;

    /// Thresholds make sense, and there is at least one seed.
    fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop>;
}

impl Predicate {
    fn as_judge(&self) -> &dyn Judge {
        match self {
            Self::Equivalent(equivalent) => equivalent,
            Self::Greater(greater) => greater,
            Self::Closes(closes) => closes,
            Self::Slope(slope) => slope,
            Self::Range(range) => range,
            Self::Span(span) => span,
        }
    }

    pub(crate) fn names(&self) -> Vec<(&'static str, &str)> {
        self.as_judge().names()
    }

    pub(crate) fn check(&self) -> Result<(), Mistake> {
        self.as_judge().check()
    }

    pub(crate) fn judge(&self, seeds: &Seeds<'_>) -> Result<Judged, Stop> {
        self.as_judge().judge(seeds)
    }
}

/// The default of every `confidence`: tests at 5 % on each side.
fn ninety_percent() -> f64 {
    0.9
}
