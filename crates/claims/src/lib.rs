#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod check;
mod claim;
mod error;
mod evaluate;
mod every_run;
mod folder;
mod gather;
mod interval;
mod mean_difference;
mod number;
mod outcome;
mod predicate;
mod series;

pub use check::{CheckError, CheckProblem};
pub use claim::Claim;
pub use error::EvidenceError;
pub use evaluate::evaluate;
pub use folder::QUANTITIES;
pub use interval::Interval;
pub use outcome::{Outcome, Verdict};
pub use predicate::{Closes, Equivalent, Greater, Predicate, Range, Slope, Span};
pub use series::{Evidence, Over, Series};
