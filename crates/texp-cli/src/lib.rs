#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod args;
mod audit;
mod compare;
mod convert;
mod data;
mod degrees;
mod device;
mod document;
mod dry_run;
mod error;
mod inspect;
mod interrupt;
mod output;
mod progress;
mod provenance;
mod recipe;
mod repro;
mod toy;
mod train;

pub use args::{DeviceChoice, MachineArgs, PrecisionChoice, RunArgs};
pub use audit::{AuditArgs, audit};
pub use compare::{CompareArgs, compare};
pub use convert::{ConvertArgs, convert};
pub use degrees::{TableError, TableProblem};
pub use document::{completions, man};
pub use dry_run::dry_run;
pub use error::{CommandError, NoGroups};
pub use inspect::{InspectArgs, inspect};
pub use provenance::{commit, now};
pub use repro::{ReproArgs, repro};
pub use toy::{ToyArgs, toy};
pub use train::{Places, resume, rewrite_report, train};
