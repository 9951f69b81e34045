//! The paper's exponential schedules.
//!
//! Start with [`Texp`], the tapered exponential of a step decay. TEXP−− is that of the recipe
//! [at constant rate](crate::Recipe::with_constant_rate), and [`ExponentialRate`] is any schedule times a constant
//! growth.

mod exponential;
mod law;
mod no_drop;

pub use exponential::ExponentialRate;
pub use law::{Texp, TexpPhase};
