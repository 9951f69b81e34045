//! Parameter groups with schedules of their own.
//!
//! Start with [`GroupsLaw::common_direction`]: each group says to which power of the common scale it is scaled.
//! [`GroupRole`] is for losses with several such directions.

mod error;
mod law;

pub use error::{GroupProblem, GroupsError};
pub use law::{GroupRole, GroupStep, GroupsLaw, Residual};
