//! Launches of a step begin before the one before them has ended.

mod common;

use std::sync::Arc;

use nn_cuda::CudaEngine;
use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split,
};
use nn_graph::nets::{Architecture, NetConfig};

const STEPS: usize = 2;

/// How many launches a step has, and how many of some steps began early.
fn counted() -> Option<(u64, u64)> {
    let simulator = common::simulator()?;
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.input) = (4, [3, 8, 8]);
    let graph = config.build().unwrap();
    let mut engine = CudaEngine::new(&graph, EngineOptions::new(&graph, 2)).unwrap();
    let pixels = (0..2 * 192).map(|i| (i * 37 % 251) as u8).collect();
    let images = ImageSet::new([3, 8, 8], pixels, vec![0, 1], vec![0.5; 3], vec![0.25; 3]);
    let images = Arc::new(images.unwrap());
    engine.load_images(Split::Train, images).unwrap();
    let batches = vec![BatchSpec::plain(vec![0, 1]); STEPS];
    let hyper = HyperTable::from_fn(STEPS, 1, 1, |_, _, _| GroupHyper::new(0.1, 5e-4, 0.9));
    let before = simulator.early_launches();
    engine
        .run(Batches::shared(&batches), &hyper.unwrap())
        .unwrap();
    let launches = engine.launches().unwrap().len() as u64;
    Some((launches, simulator.early_launches() - before))
}

#[test]
fn all_launches_of_a_step_but_the_first_begin_early() {
    if let Some((launches, early)) = counted() {
        assert_eq!(early, STEPS as u64 * (launches - 1));
    }
}

#[test]
#[ignore = "started by the other test"]
fn says_how_many_begin_early() {
    if let Some((_, early)) = counted() {
        println!("told: {early}");
    }
}

#[test]
fn none_does_where_that_is_asked_for() {
    if common::simulator().is_none() {
        return;
    }
    let environment = [("NN_CUDA_NOT_EARLY", "1".as_ref())];
    let told = common::told_by("says_how_many_begin_early", &environment);
    assert_eq!(told, "0");
}
