//! The optimisers that the laws are about, one obvious step each.
//!
//! They define the *form* that a law speaks of (what is inside the momentum buffer, what the decay is
//! coupled to), and are what laws are tested on. Where the step is rational, it is written for any
//! [field](crate::field).

mod sgd;

pub use sgd::SgdState;
