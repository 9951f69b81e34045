//! The optimisers that the laws are about, one obvious step each.
//!
//! They define the *form* that a law speaks of (what is inside the momentum buffer, what the decay is
//! coupled to), and are what laws are tested on. Where the step is rational, it is written for any
//! [field](crate::field).

mod adamw;
mod lion;
mod moving_average;
mod muon;
mod nesterov;
mod sgd;
mod sgd_inside;
mod sgdw;

pub(crate) use adamw::bias_correction;
pub use adamw::{AdamWCoefficients, AdamWHyperparameters, AdamWState};
pub use lion::LionState;
pub use moving_average::MovingAverage;
pub use muon::{MuonState, newton_schulz};
pub use nesterov::{NesterovHyperparameters, NesterovState};
pub use sgd::SgdState;
pub use sgd_inside::SgdInsideState;
pub use sgdw::SgdwState;

use crate::field::Field;

/// `(1 − ηλ) θ − η u`.
fn decoupled_update<F: Field>(
    parameters: &[F],
    learning_rate: F,
    weight_decay: F,
    direction: &[F],
) -> Vec<F> {
    let shrink = F::ONE - learning_rate * weight_decay;
    let pairs = parameters.iter().zip(direction);
    pairs
        .map(|(&p, &u)| shrink * p - learning_rate * u)
        .collect()
}
