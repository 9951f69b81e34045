#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod folder;
mod history;
mod read;
mod record;

pub use error::RecordsError;
pub use folder::{Ending, RunFolder};
pub use history::{EpochPoint, LawPoint, NormPoint, Run, StepPoint};
pub use record::{DataRecord, Manifest, NetworkRecord, Record, RunRecord, Sitting};
