//! Checking the equivalence on a loss of one's own.

mod twins;
mod verdict;

pub use twins::{Start, Twins, largest_distance};
pub use verdict::{CheckError, Disagreement, Verdict, check_equivalence};
