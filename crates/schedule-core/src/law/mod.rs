//! The conversion of weight decay into an exponential learning rate.

mod constant_phase;
mod decoupled;
mod exact;
mod exponential;
mod form;
mod groups;
mod inverse;
mod nesterov;
mod texp;

pub use constant_phase::ConstantPhase;
pub use decoupled::{AdamStep, AdamWError, AdamWHyperparameters, AdamWLaw, Moment, StockAdamStep};
pub use decoupled::{DecoupledError, DecoupledLaw, DecoupledStep};
pub use exact::{BufferShift, ContinuedStep, EquivalentStep, ExactAccess, ExactLaw, ExactSteps};
pub use exponential::ExponentialRate;
pub use form::{FormChange, FormError, InsideLaw, InsideStep, MomentumForm, WithoutDampening};
pub use groups::{GroupRole, GroupStep, GroupsError, GroupsLaw, Residual};
pub use inverse::{ConstantGrowth, InverseError, InverseLaw, InverseStep, Root, WithoutDecay};
pub use nesterov::{NesterovError, NesterovForm, NesterovLaw, NesterovStep};
pub use texp::{Texp, TexpPhase};

/// `√((1 − √γ)²) = 1 − √γ`, without cancellation near `γ = 1`.
fn one_minus_root_of(momentum: f64) -> f64 {
    (1.0 - momentum) / (1.0 + momentum.sqrt())
}
