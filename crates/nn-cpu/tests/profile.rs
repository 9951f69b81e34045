//! A profile accounts for the whole step, and trains as a run does.

use std::sync::Arc;
use std::time::Instant;

use nn_cpu::CpuEngine;
use nn_engine::plan::Plan;
use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split,
};
use nn_graph::Graph;
use nn_graph::nets::{Architecture, NetConfig};

fn graph() -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.input) = (8, [3, 12, 12]);
    config.build().unwrap()
}

fn engine(graph: &Graph, replicas: usize) -> CpuEngine {
    let options = EngineOptions {
        replicas,
        threads: 2,
        ..EngineOptions::new(graph, 8)
    };
    let mut engine = CpuEngine::new(graph, options).unwrap();
    let pixels = (0..8 * 432).map(|i| (i * 7919 % 251) as u8).collect();
    let images = ImageSet::new([3, 12, 12], pixels, vec![1; 8], vec![0.5; 3], vec![0.25; 3]);
    engine
        .load_images(Split::Train, Arc::new(images.unwrap()))
        .unwrap();
    engine
}

fn steps(count: usize, replicas: usize) -> (Vec<BatchSpec>, HyperTable) {
    let hyper = |_, _, _| GroupHyper::new(0.1, 5e-4, 0.9);
    (
        vec![BatchSpec::plain((0..8).collect()); count],
        HyperTable::from_fn(count, replicas, 1, hyper).unwrap(),
    )
}

#[test]
fn a_profiled_run_trains_like_any_other() {
    let graph = graph();
    let (batches, hyper) = steps(3, 2);
    let (mut profiled, mut run) = (engine(&graph, 2), engine(&graph, 2));
    profiled.profile(Batches::shared(&batches), &hyper).unwrap();
    run.run(Batches::shared(&batches), &hyper).unwrap();
    for replica in 0..2 {
        assert_eq!(
            profiled.state(replica).unwrap(),
            run.state(replica).unwrap()
        );
    }
}

#[test]
fn every_part_has_a_time_and_they_fit_into_the_run() {
    let graph = graph();
    let mut engine = engine(&graph, 1);
    // One step: medians are its times.
    let (batches, hyper) = steps(1, 1);
    let start = Instant::now();
    let profile = engine.profile(Batches::shared(&batches), &hyper).unwrap();
    let whole = start.elapsed().as_secs_f64();

    assert_eq!(profile.groups.len(), Plan::compile(&graph).groups().len());
    let passes = profile.groups.iter().flat_map(|g| [g.forward, g.backward]);
    let parts: Vec<f64> = passes
        .chain([profile.batch, profile.loss, profile.update])
        .collect();
    assert!(parts.iter().all(|&seconds| seconds > 0.0), "{profile:?}");
    assert!(parts.iter().sum::<f64>() <= whole, "{parts:?} of {whole}");
}

#[test]
fn without_a_batch_there_is_no_time() {
    let graph = graph();
    let (batches, hyper) = steps(0, 1);
    let profile = engine(&graph, 1)
        .profile(Batches::shared(&batches), &hyper)
        .unwrap();
    assert!(profile.groups.iter().all(|g| g.forward + g.backward == 0.0));
    assert_eq!(
        (profile.batch, profile.loss, profile.update),
        (0.0, 0.0, 0.0)
    );
}
