//! The corpus on every instruction set this CPU has, against the float64 reference.

mod common;

use std::io::Write;

use engine_laws::{calls, conformance};
use nn_cpu::Level;
use nn_engine::conformance::{Case, Tier};

#[test]
fn every_level_conforms_to_the_reference() {
    let names = |levels: &[Level]| {
        levels
            .iter()
            .map(Level::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let available = Level::available();
    let mut missing = vec![Level::Portable, Level::Avx2, Level::Avx512];
    missing.retain(|level| !available.contains(level));
    // Past what `cargo test` captures: a log must say what was tested on its CPU, and what was not.
    let _ = writeln!(
        std::io::stderr(),
        "nn-cpu: {} cases at the levels {}; this CPU has not: {}",
        Case::all(Tier::Cpu).len(),
        names(&available),
        if missing.is_empty() {
            "none".into()
        } else {
            names(&missing)
        },
    );
    for subject in common::every_level() {
        conformance::the_corpus_trains_as_on_the_reference(&subject, Tier::Cpu);
    }
}

#[test]
fn convolutions_train_as_on_the_reference() {
    for subject in common::every_level() {
        conformance::convolutions_train_as_on_the_reference(&subject);
    }
}

#[test]
fn calls_that_cannot_be_served_are_refused_in_a_sentence() {
    for subject in common::every_level() {
        calls::calls_that_cannot_be_served_are_refused_in_a_sentence(&subject);
    }
}

#[test]
fn a_weight_that_is_no_number_shows_in_the_loss() {
    for subject in common::every_level() {
        calls::a_weight_that_is_no_number_shows_in_the_loss(&subject);
    }
}
