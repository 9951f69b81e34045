//! The exact law: step by step, at any step, and beyond where it would end.

mod access;
mod law;
mod shift;
mod step;
mod steps;
mod transient;

pub use access::ExactAccess;
pub use law::ExactLaw;
pub use shift::{BufferShift, ContinuedStep};
pub use step::EquivalentStep;
pub use steps::ExactSteps;
