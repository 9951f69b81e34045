//! Calls that cannot be served, and what a caller learns from a loss.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet, Split, State,
};
use nn_graph::Graph;
use nn_graph::nets::{Architecture, NetConfig};

use crate::Subject;

fn graph() -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    config.input = [3, 8, 8];
    config.build().unwrap()
}

fn hyper() -> HyperTable {
    HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.1, 0.0, 0.9)).unwrap()
}

/// No images, no such replica, no replicas at all: a sentence that says so.
///
/// # Panics
/// If one is not.
pub fn calls_that_cannot_be_served_are_refused_in_a_sentence(subject: &Subject) {
    let graph = graph();
    let mut engine = subject.make(&graph, EngineOptions::new(&graph, 4));
    let batch = BatchSpec::plain(vec![0, 1]);
    let refused = engine.run(Batches::shared(&[batch]), &hyper()).unwrap_err();
    assert_eq!(refused, EngineError::NoImages(Split::Train), "{subject}");
    assert_eq!(
        refused.to_string(),
        "no training images are loaded; call load_images first"
    );
    let none = EngineError::Replica {
        replica: 1,
        replicas: 1,
    };
    assert_eq!(engine.state(1), Err(none), "{subject}");
    let none = EngineOptions {
        replicas: 0,
        ..EngineOptions::new(&graph, 4)
    };
    let refused = subject.try_make(&graph, none).err().map(|e| e.to_string());
    assert_eq!(
        refused.as_deref(),
        Some("the number of replicas is 0; it must be between 1 and 65536"),
        "{subject}"
    );
}

/// A weight that is no number makes the loss none.
///
/// # Panics
/// If it does not.
pub fn a_weight_that_is_no_number_shows_in_the_loss(subject: &Subject) {
    let graph = graph();
    let pixels = (0..4 * 3 * 64).map(|i| (i * 37 % 251) as u8).collect();
    let images = ImageSet::new([3, 8, 8], pixels, vec![1; 4], vec![0.5; 3], vec![0.25; 3]);
    let mut engine = subject.make(&graph, EngineOptions::new(&graph, 4));
    engine
        .load_images(Split::Train, Arc::new(images.unwrap()))
        .unwrap();
    let mut state = State::initial(&graph, 0);
    // In float32 the one that GPUs make: adding to it changes its sign, and what it is.
    state.tensors[0].values[0] = f64::from_bits(0x7fff_ffff_ffff_ffff);
    engine.load_state(0, &state).unwrap();
    let batch = BatchSpec::plain(vec![0, 1, 2, 3]);
    let stats = engine.run(Batches::shared(&[batch]), &hyper()).unwrap();
    assert!(stats.get(0, 0).loss.is_nan(), "{subject}");
}
