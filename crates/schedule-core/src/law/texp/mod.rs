//! TEXP, the paper's schedule, with and without its drops.

mod law;
mod no_drop;

pub use law::{Texp, TexpPhase};
