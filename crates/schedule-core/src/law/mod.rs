//! The conversion of weight decay into an exponential learning rate.

mod adamw;
mod constant_phase;
mod decoupled;
mod exact;
mod exact_access;
mod exponential;
mod form;
mod groups;
mod inverse;
mod nesterov;
mod no_drop;
mod texp;
mod transient;

pub use adamw::{AdamStep, AdamWError, AdamWHyperparameters, AdamWLaw, Moment, StockAdamStep};
pub use constant_phase::ConstantPhase;
pub use decoupled::{DecoupledError, DecoupledLaw, DecoupledStep};
pub use exact::{BufferShift, ContinuedStep, EquivalentStep, ExactLaw, ExactSteps};
pub use exact_access::ExactAccess;
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
