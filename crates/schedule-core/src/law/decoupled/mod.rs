//! Decoupled weight decay.
//!
//! Start with [`DecoupledLaw`], for SGDW, Lion, Muon and any other update that is homogeneous in its gradients, or
//! with [`AdamWLaw`], which also knows what becomes of Adam's `β` and `ε`.

mod adamw;
mod law;

pub use adamw::{AdamStep, AdamWError, AdamWLaw, Moment, StockAdamStep};
pub use law::{DecoupledError, DecoupledLaw, DecoupledStep};
