//! Parameter groups with schedules of their own.

mod error;
mod law;

pub use error::GroupsError;
pub use law::{GroupRole, GroupStep, GroupsLaw, Residual};
