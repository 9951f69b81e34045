#![doc = include_str!("../README.md")]

#[allow(unsafe_code)]
pub mod ceilings;
mod measure;
mod roofline;
mod training;

pub use measure::Meter;
pub use roofline::roofline;
pub use training::{Setting, Training};
