#![doc = include_str!("../README.md")]
//!
//! A law is a function that panics where it does not hold. What differs from engine to engine is a [`Subject`]: how one is
//! made, and how it computes convolutions. How many steps or cases a law takes is said by who calls it, since a simulated
//! device is much slower than a processor.
//!
//! ```
//! use engine_laws::{Subject, edges};
//! use nn_engine::conformance::Algorithm;
//! use nn_reference::ReferenceEngine;
//!
//! let reference = Subject::new("reference", Algorithm::Direct, ReferenceEngine::new);
//! edges::a_logit_that_is_no_number_has_no_right_answer(&reference);
//! ```
#![forbid(unsafe_code)]

pub mod calls;
pub mod conformance;
pub mod determinism;
pub mod edges;
pub mod products;
pub mod random_networks;
pub mod renormalisation;
pub mod separation;
mod subject;

pub use subject::Subject;

use nn_engine::strategies::seeded;
use proptest::test_runner::Config;

/// So many random cases from a fixed seed, unless the environment variable `PROPTEST_CASES` says how many.
#[must_use]
pub fn cases(number: u32) -> Config {
    let config = seeded();
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => Config {
            cases: number,
            ..config
        },
    }
}
