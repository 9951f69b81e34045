#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod advice;
mod audit;
mod error;
mod findings;
mod log;
mod noise;
pub mod numbers;
mod phases;
mod timeline;
mod twin;
mod view;

pub use audit::Audit;
pub use error::LogError;
pub use findings::{Advice, AdviceKind, EquilibriumOf, Findings, NormFinding, NormVerdict, Phase};
pub use log::{Columns, Constants, Log, RunSource};
pub use noise::GradientNoise;
pub use twin::{PhaseTwin, Twin};
pub use view::EQUILIBRIUM_TOLERANCE;
