#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod record;

pub mod experiment;
pub mod lockstep;
pub mod plan;
pub mod run;

pub use error::TrainerError;
pub use record::{DataRecord, Manifest, NetworkRecord, Record, RunRecord};
