//! From long noisy series to what a screen can show.

mod seeds;
mod smooth;
mod straight;
mod thin;

pub(crate) use seeds::mean_and_range;
pub(crate) use smooth::running_mean;
pub(crate) use straight::straightened;
pub(crate) use thin::{thin, thin_band};

/// A point of a curve: position along the axis, and value. A value that is not finite is a hole.
pub type Point = (f64, f64);
