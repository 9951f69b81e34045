//! Everything that schedule-core is tested for from outside, but for the accuracy of long runs.
//!
//! One program, since what takes time is not to run the tests but to link them: `cargo test --test suite spec::` runs
//! those of one file.

mod check;
mod common;
mod edges;
mod equilibrium;
mod equivalence;
mod exact_access;
mod groups;
mod inverse_and_forms;
mod kept_and_shifted;
mod known_answers;
mod law_errors;
mod laws;
mod losses;
mod optimisers;
mod pytorch;
mod renormalisation;
mod renormalisation_degree;
mod rescaling;
mod schedule_errors;
mod schedules;
mod serialised;
mod spec;
mod unstable;
