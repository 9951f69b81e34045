//! The laws of `nn-engine` on the reference itself.

use engine_laws::determinism::{self, Way};
use engine_laws::{Subject, calls, cases, edges, renormalisation, separation};
use nn_engine::conformance::Algorithm;
use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split,
};
use nn_graph::nets::{Architecture, NetConfig};
use nn_reference::ReferenceEngine;

fn reference() -> Subject {
    Subject::new("reference", Algorithm::Direct, ReferenceEngine::new)
}

#[test]
fn bits_do_not_depend_on_how_a_run_is_made() {
    let way = Way {
        threads: 2,
        replicas: 3,
        steps_a_call: 2,
    };
    determinism::bits_do_not_depend_on_how_a_run_is_made(&reference(), 3, &[way]);
}

#[test]
fn replicas_train_as_they_do_alone() {
    separation::replicas_train_as_they_do_alone(&reference());
}

#[test]
fn a_state_carries_the_whole_run() {
    determinism::a_state_carries_the_whole_run(&reference());
}

#[test]
fn calls_that_cannot_be_served_are_refused_in_a_sentence() {
    calls::calls_that_cannot_be_served_are_refused_in_a_sentence(&reference());
}

#[test]
fn a_weight_that_is_no_number_shows_in_the_loss() {
    calls::a_weight_that_is_no_number_shows_in_the_loss(&reference());
}

#[test]
fn a_run_after_a_diverged_one_finds_nothing_of_it() {
    edges::a_run_after_a_diverged_one_finds_nothing_of_it(&reference());
}

/// What float32 cannot hold, float64 can.
#[test]
fn rates_beyond_float32_are_taken() {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    config.input = [1, 4, 4];
    let graph = config.build().unwrap();
    let mut engine = ReferenceEngine::new(&graph, EngineOptions::new(&graph, 1)).unwrap();
    let images = ImageSet::new([1, 4, 4], vec![100; 16], vec![0], vec![0.0], vec![1.0]);
    engine
        .load_images(Split::Train, std::sync::Arc::new(images.unwrap()))
        .unwrap();
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(1e39, 5e-4, 0.9));
    let batch = BatchSpec::plain(vec![0]);
    engine
        .run(Batches::shared(&[batch]), &hyper.unwrap())
        .unwrap();
}

#[test]
fn a_renormalised_run_is_the_plain_run_bit_for_bit() {
    let subjects = [reference()];
    renormalisation::a_renormalised_run_is_the_plain_run_bit_for_bit(&subjects, cases(64));
}

#[test]
fn a_rescaled_run_is_resumed_from_its_state() {
    renormalisation::a_rescaled_run_is_resumed_from_its_state(&reference());
}
