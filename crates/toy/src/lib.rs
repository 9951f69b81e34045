#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod direction;
pub mod experiment;
mod logit;
mod population;
mod samples;
mod sgd;
pub mod study;
pub mod theory;

pub use direction::Direction;
pub use logit::{Logit, Scratch, loss_and_gradient};
pub use population::Population;
pub use samples::{Batch, Samples};
pub use sgd::Sgd;
