#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;

pub mod experiment;
pub mod lockstep;
pub mod plan;
pub mod run;

pub use error::TrainerError;
