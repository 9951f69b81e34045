//! What became of a claim.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a claim holds of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The runs bear it out.
    Reproduced,
    /// The runs contradict it.
    NotReproduced,
    /// The runs do not say: too few of them, or too noisy.
    NotDecided,
}

/// A claim with its verdict and the numbers that led to it.
///
/// Displays as the sentence with the numbers, and the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The claim's short name.
    pub id: String,
    /// The claim in words.
    pub says: String,
    /// Who makes it, and where.
    pub source: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What was found, with numbers.
    pub evidence: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::NotDecided => "not decided",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.evidence, self.verdict)
    }
}
