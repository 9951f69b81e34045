#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod args;
mod data;
mod error;
mod progress;
mod provenance;
mod train;

pub use args::RunArgs;
pub use error::CommandError;
pub use train::{Places, rewrite_report, train};
