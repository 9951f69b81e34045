//! Checking the equivalence on a loss of one's own.
//!
//! Start with [`check_equivalence`], which takes a loss and a [`Recipe`](crate::Recipe) and gives a [`Verdict`]. [`Twins`]
//! takes single steps, for a law or a trainer of one's own.

mod twins;
mod verdict;

pub use twins::{Start, Twins, largest_distance};
pub use verdict::{CheckError, Disagreement, Verdict, check_equivalence};
