#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod claim;
mod error;
mod evaluate;
mod gather;
mod interval;
mod number;
mod outcome;
mod predicate;
mod series;

pub use claim::Claim;
pub use error::EvidenceError;
pub use evaluate::evaluate;
pub use interval::Interval;
pub use outcome::{Outcome, Verdict};
pub use predicate::{Equivalent, Predicate};
pub use series::{Evidence, Over, Series};
