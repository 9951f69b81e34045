//! Forms of momentum: where the rate is, and how the gradient is weighted.
//!
//! Start with [`FormChange`], between the rate outside the buffer (PyTorch, JAX) and inside it (Caffe, Keras).
//! [`InsideLaw`] is the exact law of the latter, and [`WithoutDampening`] writes PyTorch's dampening as a rate.

mod change;
mod dampening;
mod error;
mod inside;

pub use change::{FormChange, MomentumForm};
pub use dampening::WithoutDampening;
pub use error::FormError;
pub use inside::{InsideLaw, InsideStep};

use crate::Hyperparameters;

/// Checks hyperparameters of a form that does not ask the momentum to be below 1.
fn validate(hyperparameters: Hyperparameters, step: u64) -> Result<(), FormError> {
    let rest = Hyperparameters {
        momentum: 0.0,
        ..hyperparameters
    };
    rest.validate(step)?;
    let value = hyperparameters.momentum;
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(FormError::MomentumNegativeOrNotFinite { step, value })
}
