//! Nesterov's look-ahead.
//!
//! Start with [`NesterovLaw`]. Its twin is no run of PyTorch's `nesterov=True`; which form it has is a choice, a
//! [`NesterovForm`].

mod error;
mod law;
mod step;

pub use error::NesterovError;
pub use law::{NesterovForm, NesterovLaw};
pub use step::NesterovStep;
