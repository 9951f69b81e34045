#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod data;
mod error;
mod progress;
mod provenance;
mod train;

pub use error::CommandError;
pub use train::{Places, RunArgs, rewrite_report, train};
