//! The laws on an engine that rounds what its convolutions multiply and what it stores: the reference, which does nothing
//! else.

use engine_laws::determinism::{self, Way};
use engine_laws::{
    Subject, calls, cases, conformance, edges, products, random_networks, renormalisation,
    separation,
};
use nn_engine::conformance::{Algorithm, Tier};
use nn_engine::{EngineOptions, Products};
use nn_graph::Graph;
use nn_reference::ReferenceEngine;
use proptest::test_runner::Config;

fn rounded() -> [Subject; 2] {
    [Products::Tf32, Products::Bf16].map(|products| {
        let reference = Subject::new("reference", Algorithm::Direct, ReferenceEngine::new);
        reference.with_products(products)
    })
}

#[test]
fn it_conforms_to_the_reference() {
    for subject in rounded() {
        conformance::the_corpus_trains_as_on_the_reference(&subject, Tier::Sim);
        conformance::convolutions_train_as_on_the_reference(&subject);
    }
}

#[test]
fn any_network_trains_as_on_the_reference() {
    for subject in rounded() {
        random_networks::any_network_trains_as_on_the_reference(&[subject], &[1], cases(64));
    }
    for subject in rounded() {
        random_networks::a_strided_convolution_of_single_positions_trains_as_on_the_reference(&[
            subject,
        ]);
    }
}

#[test]
fn bits_do_not_depend_on_how_a_run_is_made() {
    let way = Way {
        threads: 2,
        replicas: 3,
        steps_a_call: 2,
    };
    for subject in rounded() {
        determinism::bits_do_not_depend_on_how_a_run_is_made(&subject, 3, &[way]);
        determinism::a_state_carries_the_whole_run(&subject);
        determinism::a_long_call_is_many_short_ones(&subject, 20);
        determinism::bits_do_not_depend_on_room_for_larger_batches(&subject);
        determinism::evaluation_does_not_depend_on_its_chunks(&subject);
        separation::replicas_train_as_they_do_alone(&subject);
    }
}

/// Rounding to so many bits commutes with a power of two.
#[test]
fn a_renormalised_run_is_the_plain_run_bit_for_bit() {
    renormalisation::a_renormalised_run_is_the_plain_run_bit_for_bit(&rounded(), cases(64));
    for subject in rounded() {
        renormalisation::a_rescaled_run_is_resumed_from_its_state(&subject);
    }
}

#[test]
fn edges_are_where_they_are_in_full() {
    for subject in rounded() {
        calls::calls_that_cannot_be_served_are_refused_in_a_sentence(&subject);
        calls::a_weight_that_is_no_number_shows_in_the_loss(&subject);
        edges::a_run_after_a_diverged_one_finds_nothing_of_it(&subject);
        edges::a_logit_that_is_no_number_has_no_right_answer(&subject);
        edges::a_constant_channel_becomes_zero(&subject, 0..=255);
        edges::a_constant_channel_between_convolutions_becomes_zero(&subject);
        edges::a_constant_group_becomes_zero(&subject, 0..=255);
        edges::adam_leaves_a_weight_without_gradient(&subject);
    }
}

#[test]
fn short_numbers_are_multiplied_as_in_full() {
    let full = Subject::new("reference", Algorithm::Direct, ReferenceEngine::new);
    products::short_numbers_are_multiplied_as_in_full(&full, &rounded(), cases(64));
}

#[test]
fn evaluation_multiplies_the_weights_of_now() {
    for subject in rounded() {
        products::evaluation_multiplies_the_weights_of_now(&subject);
    }
}

/// The reference in another format than it says.
fn mistaken(said: Products, done: Products) -> Subject {
    let make = move |graph: &Graph, options| {
        let products = done;
        ReferenceEngine::new(
            graph,
            EngineOptions {
                products,
                ..options
            },
        )
    };
    Subject::new(format!("{done} as"), Algorithm::Direct, make).with_products(said)
}

/// An engine that rounds what it stores and does not say so, or does not and says so.
#[test]
fn storage_in_another_format_shows() {
    let full = Subject::new("reference", Algorithm::Direct, ReferenceEngine::new);
    for (said, done) in [
        (Products::Bf16, Products::Full),
        (Products::Bf16, Products::Tf32),
        (Products::Tf32, Products::Bf16),
        (Products::Full, Products::Bf16),
    ] {
        let other = mistaken(said, done);
        let config = Config {
            max_shrink_iters: 0,
            ..cases(16)
        };
        let law = || products::short_numbers_are_multiplied_as_in_full(&full, &[other], config);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(law));
        assert!(outcome.is_err(), "{done} passes for {said}");
    }
}

/// Or one that multiplies in full in tf32 would not pass, as an engine may where it has no faster way.
#[test]
fn no_factor_has_more_bits_than_tf32() {
    let subjects = [mistaken(Products::Tf32, Products::Full)];
    let full = mistaken(Products::Full, Products::Tf32);
    products::short_numbers_are_multiplied_as_in_full(&full, &subjects, cases(64));
}
