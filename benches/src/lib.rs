#![doc = include_str!("../README.md")]

#[allow(unsafe_code)]
pub mod ceilings;
pub mod check;
mod choice;
mod measure;
mod prediction;
mod profile;
mod roofline;
pub mod side_by_side;
mod statistics;
mod table;
mod training;

pub use choice::{Choice, Format};
pub use measure::Meter;
pub use prediction::{Capability, predict};
pub use profile::profile;
pub use roofline::roofline;
pub use statistics::Spread;
pub use table::{Table, or_dash, percent};
pub use training::{Setting, Training};
