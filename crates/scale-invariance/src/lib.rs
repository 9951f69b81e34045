#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod analysis;
mod degrees;
mod op;
mod violation;

pub use analysis::{Analysis, SCALED_GROUP, UNSCALED_GROUP, Verdict, analyse};
pub use degrees::{Degrees, degrees};
pub use violation::Violation;
