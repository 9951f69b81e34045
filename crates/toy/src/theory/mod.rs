//! What theory says that simulations are held against.

mod decay_alone;
mod equilibrium;
mod gaussian;
mod nonconvergence;
mod norm_alone;

pub use decay_alone::DecayAlone;
pub use equilibrium::{Equilibrium, mean_over_rms};
pub use gaussian::{HESSIAN, NOISE_BATCH_NORM, NOISE_UNIT_NORM, expectation};
pub use nonconvergence::Nonconvergence;
pub use norm_alone::norm_alone;
