//! Proof that two runs are one: the law checked on real training, step by step and over many steps.
//!
//! A run with weight decay and its twin without it are equal in exact arithmetic. In floating point
//! they separate slowly, as any two runs do, because training amplifies rounding. So there are two
//! checks:
//!
//! - [`resynchronised`]: at every step the twin's state is *set* to the mapped state of the
//!   original, both take one step, and the results are compared. In float64 with `ε = 0` they agree
//!   to 1e-12. This checks the law itself, late in training too.
//! - [`free_running`]: both run on their own, beside a control that differs from the original by
//!   one unit in the last place at the start. The twin's [gap](directional_gap) must not exceed
//!   that of the control by more than a small factor.
//!
//! Either is worth something only because it fails when the law is wrong by one part in a thousand,
//! as this crate's tests show.
//!
//! Sources: the laws are those of [`TwinLaw`](crate::plan::TwinLaw); that of SGD is after Li & Arora (arXiv:1910.07454).

mod deviation;
mod free;
mod map;
mod resynchronised;

use nn_engine::EngineError;

pub use deviation::Deviation;
pub(crate) use deviation::relative;
pub use free::{Gap, directional_gap, free_running, one_ulp_away};
pub use map::{Scales, map_state};
pub use resynchronised::resynchronised;

use crate::plan::NoTwin;

/// Why a check could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LockstepError {
    /// What the engine refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A step that has no equivalent.
    #[error(transparent)]
    Law(#[from] NoTwin),
}
