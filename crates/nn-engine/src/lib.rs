#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod batch;
mod batches;
pub mod conformance;
mod engine;
mod error;
mod hyper;
mod images;
mod memory;
mod optimiser;
pub mod plan;
mod products;
mod rescaling;
mod state;
mod stats;
#[cfg(feature = "proptest")]
pub mod strategies;
mod symmetry;

pub use batch::{BatchSpec, Crop};
pub use batches::Batches;
pub use engine::{
    Device, Engine, EngineOptions, Precision, check_batches, check_evaluate, check_replica,
    check_run,
};
pub use error::EngineError;
pub use hyper::{GroupHyper, HyperTable, Moments};
pub use images::{ImageSet, Images, Split};
pub use memory::check_memory;
pub use optimiser::{Optimiser, Update};
pub use products::Products;
pub use state::{NamedTensor, State, momentum_name, statistics_names};
pub use stats::{Evaluation, ParameterComparison, Stats, StepStats};
pub use symmetry::Symmetry;
