//! Decoupled weight decay, for any homogeneous optimiser, and for AdamW.

mod adamw;
mod law;

pub use adamw::{AdamStep, AdamWError, AdamWHyperparameters, AdamWLaw, Moment, StockAdamStep};
pub use law::{DecoupledError, DecoupledLaw, DecoupledStep};
