//! One corpus of small training runs that every engine must reproduce, and the runner that compares.
//!
//! A [`Case`] is data (the files in the crate's folder `conformance`): a network, images drawn from
//! a seed, batch size, steps, hyperparameters. [`run_case`] trains it on a trusted engine and on a
//! candidate from the same state and the same batches, and reports each number that differs by more
//! than rounding explains ([`Bounds`] says how much that is). An engine's test is:
//!
//! ```
//! use nn_engine::conformance::{Algorithm, Case, Tier, run_case};
//! # use nn_engine::{Engine, EngineError, EngineOptions};
//! # fn test<R: Engine, C: Engine>(
//! #     reference: impl Fn(&nn_graph::Graph, EngineOptions) -> Result<R, EngineError>,
//! #     candidate: impl Fn(&nn_graph::Graph, EngineOptions) -> Result<C, EngineError>,
//! # ) -> Result<(), nn_engine::conformance::ConformanceError> {
//! for case in Case::all(Tier::Cpu) {
//!     let report = run_case(&case, Algorithm::Direct, &reference, &candidate)?;
//!     assert!(report.deviations.is_empty(), "{report}");
//! }
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod bounds;
mod case;
mod corpus;
mod network;
mod report;
mod rescaling;
mod runner;
mod sizes;

pub use algorithm::Algorithm;
pub use bounds::Bounds;
pub use case::{AdamRates, Augmentation, Case, Kinks, Rates, Rescale, Tier};
pub use network::{ChainLink, ChainOp, NetSpec, NetworkSpec};
pub use report::{ConformanceError, Deviation, Report, Stage};
pub use runner::{run, run_case};
