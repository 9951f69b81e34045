//! The corpus, against the float64 reference.

mod common;

use engine_laws::{calls, conformance};
use nn_engine::conformance::Tier;

#[test]
fn it_conforms_to_the_reference() {
    let tier = match common::is_real() {
        true => Tier::Cpu,
        false => Tier::Sim,
    };
    for cuda in common::subjects() {
        conformance::the_corpus_trains_as_on_the_reference(&cuda, tier);
    }
}

#[test]
fn convolutions_train_as_on_the_reference() {
    for cuda in common::subjects() {
        conformance::convolutions_train_as_on_the_reference(&cuda);
    }
}

#[test]
fn calls_that_cannot_be_served_are_refused_in_a_sentence() {
    if let Some(cuda) = common::subject() {
        calls::calls_that_cannot_be_served_are_refused_in_a_sentence(&cuda);
    }
}

#[test]
fn a_weight_that_is_no_number_shows_in_the_loss() {
    for cuda in common::subjects() {
        calls::a_weight_that_is_no_number_shows_in_the_loss(&cuda);
    }
}
