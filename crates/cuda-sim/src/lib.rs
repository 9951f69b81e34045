#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod compile;
mod error;
mod library;
mod program;

pub use compile::{Libraries, build};
pub use error::SimulatorError;
pub use library::{Failure, Simulator, load};
pub use program::{Run, Sanitizer, run};
