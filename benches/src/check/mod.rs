//! Whether an engine on a device that tests do not have computes what it should.
//!
//! Each check prints what it does and returns a line that says what was found, or fails with one.

mod conformance;
mod determinism;
mod export;
mod laws;

pub use conformance::{Conformance, Part};
pub use determinism::determinism;
pub use export::export;
pub use laws::laws;

/// What went wrong, in sentences.
pub type Failure = Box<dyn std::error::Error>;
