//! SGD with momentum and weight decay, without the decay or with another one.
//!
//! Start with [`ExactLaw`]: any schedules, step by step. [`ExactAccess`] is the same at any step of a piecewise
//! constant recipe, [`ConstantPhase`] what both tend to while nothing changes: the roots `α` and `β`.
//! [`ExactLaw::step_keeping`] keeps some of the decay, and [`ExactLaw::step_shifting`] goes on where the law
//! alone would end.

mod access;
mod constant_phase;
mod law;
mod shift;
mod steps;
mod transient;

pub use access::ExactAccess;
pub use constant_phase::ConstantPhase;
pub use law::ExactLaw;
pub use shift::{BufferShift, ContinuedStep};
pub use steps::ExactSteps;

/// `√((1 − √γ)²) = 1 − √γ`, without cancellation near `γ = 1`.
fn one_minus_sqrt(momentum: f64) -> f64 {
    (1.0 - momentum) / (1.0 + momentum.sqrt())
}
