//! The algebra of each law: one step, in any [field](crate::field).
//!
//! These are the formulas and nothing else: no logarithms, no checks, no memory of the step. The
//! laws in log space ([`ExactLaw`](crate::ExactLaw) and its kin) run them in `f64` and add what
//! finite precision needs; the tests run the same code in a prime field, where an identity either
//! holds to the last digit or not at all.

mod averages;
mod coupled;
mod decoupled;
mod form;
mod inside;
mod nesterov;
mod residual;
mod shift;

pub use averages::{equal_average, exponential_average};
pub use coupled::{Coupled, coupled};
pub use decoupled::{Decoupled, decoupled, decoupled_learning_rate, memory_coefficient};
pub use form::{Undampened, momentum_inside, undampened};
pub use inside::{Inside, decay_product, inside, stationary_decay_product};
pub use nesterov::{Nesterov, NesterovTwin, nesterov, nesterov_twin};
pub use residual::{ResidualDecay, residual};
pub use shift::buffer_shift;
