//! The same bits on any number of threads, from any replica, in calls of any length.

use std::sync::Arc;

use nn_cpu::{CpuEngine, Level};
use nn_engine::{
    BatchSpec, Crop, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, Split, State,
};
use nn_graph::nets::{Architecture, NetConfig};
use nn_graph::op::MaxPool;
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};

const BATCH: usize = 21;
const STEPS: usize = 50;

fn graph() -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.input) = (5, [3, 9, 11]);
    (config.affine, config.bias) = (Affine::ScaleAndShift, Bias::Trained);
    config.head = Training::Trained;
    config.build().unwrap()
}

/// Whole vectors of channels and whole tiles: what the fastest kernels are for.
fn tiled() -> Graph {
    let mut config = NetConfig::new(Architecture::ResNet, 8);
    (config.width, config.input) = (16, [3, 9, 11]);
    config.build().unwrap()
}

/// Operations that a residual network of the paper does not have.
fn pooled_groups() -> Graph {
    let mut net = GraphBuilder::new(Shape::new([3, 9, 11])).unwrap();
    let spec = |channels, kernel, stride| ConvSpec {
        channels,
        kernel,
        stride,
        padding: kernel / 2,
        bias: Bias::Trained,
    };
    let affine = Affine::ScaleAndShift;
    let x = net.conv2d("conv1", net.input(), spec(18, 7, 1)).unwrap();
    let x = net.group_norm("norm1", x, 3, affine, 1e-5).unwrap();
    let x = net.relu("relu1", x).unwrap();
    let pool = MaxPool {
        kernel: 3,
        stride: 2,
        padding: 1,
    };
    let pooled = net.max_pool("max", x, pool).unwrap();
    let x = net.conv2d("conv2", pooled, spec(18, 3, 1)).unwrap();
    let x = net.group_norm("norm2", x, 18, affine, 1e-5).unwrap();
    let x = net.add("add", x, pooled).unwrap();
    let x = net.group_norm("norm3", x, 1, affine, 1e-5).unwrap();
    let x = net.global_average_pool("mean", x).unwrap();
    let x = net.linear("head", x, 10, Bias::Trained, Training::Trained);
    net.finish(x.unwrap()).unwrap()
}

fn images() -> Arc<ImageSet> {
    let pixels = (0..64 * 3 * 99).map(|i| (i * 7919 % 251) as u8).collect();
    let labels = (0..64).map(|i| (i % 10) as u8).collect();
    Arc::new(ImageSet::new([3, 9, 11], pixels, labels, vec![0.5; 3], vec![0.25; 3]).unwrap())
}

fn batches() -> Vec<BatchSpec> {
    let batch = |step: usize| {
        // Batches of several sizes, so that chunks differ from step to step.
        let images = BATCH - step % 3;
        BatchSpec {
            indices: (0..images)
                .map(|i| ((i * 5 + step * 11) % 64) as u32)
                .collect(),
            crops: (0..images)
                .map(|i| Crop {
                    dy: (i % 5) as i8 - 2,
                    dx: (step % 3) as i8 - 1,
                })
                .collect(),
            flips: (0..images).map(|i| (i + step).is_multiple_of(2)).collect(),
        }
    };
    (0..STEPS).map(batch).collect()
}

fn train(graph: &Graph, level: Level, threads: usize, replicas: usize, chunk: usize) -> Vec<State> {
    let options = EngineOptions {
        threads,
        replicas,
        ..EngineOptions::new(graph, BATCH)
    };
    let mut engine = CpuEngine::at_level(graph, options, level).unwrap();
    engine.load_images(Split::Train, images()).unwrap();
    for replica in 0..replicas {
        engine
            .load_state(replica, &State::initial(graph, 3))
            .unwrap();
    }
    for batches in batches().chunks(chunk) {
        let hyper = HyperTable::from_fn(batches.len(), replicas, 1, |_, _, _| GroupHyper {
            scale_ratio: 0.999,
            ..GroupHyper::new(0.05, 1e-3, 0.9)
        });
        engine.run(batches, &hyper.unwrap()).unwrap();
    }
    (0..replicas)
        .map(|replica| engine.state(replica).unwrap())
        .collect()
}

#[test]
fn bits_do_not_depend_on_threads_replicas_or_calls() {
    let graphs = [graph(), tiled(), pooled_groups()];
    let levels = Level::available().into_iter();
    for (level, graph) in levels.flat_map(|level| graphs.iter().map(move |graph| (level, graph))) {
        let train = |threads, replicas, chunk| train(graph, level, threads, replicas, chunk);
        let one = train(1, 1, STEPS).remove(0);
        assert!(
            one.tensors
                .iter()
                .all(|tensor| tensor.values.iter().all(|value| value.is_finite()))
        );
        for threads in [2, 3, 8] {
            assert_eq!(train(threads, 1, 7)[0], one, "{level}, {threads} threads");
        }
        for replica in train(2, 3, 13) {
            assert_eq!(replica, one, "{level}, one of three replicas");
        }
    }
}

#[test]
fn bits_do_not_depend_on_room_for_larger_batches() {
    for graph in [graph(), tiled(), pooled_groups()] {
        let states = [BATCH, 2 * BATCH + 1].map(|room| {
            let mut engine = CpuEngine::new(&graph, EngineOptions::new(&graph, room)).unwrap();
            engine.load_images(Split::Train, images()).unwrap();
            let hyper = HyperTable::from_fn(6, 1, 1, |_, _, _| GroupHyper::new(0.05, 1e-3, 0.9));
            engine.run(&batches()[..6], &hyper.unwrap()).unwrap();
            engine.state(0).unwrap()
        });
        assert_eq!(states[0], states[1]);
    }
}

#[test]
fn a_state_carries_the_whole_run() {
    let graph = graph();
    let mut engine = CpuEngine::new(&graph, EngineOptions::new(&graph, BATCH)).unwrap();
    engine.load_images(Split::Train, images()).unwrap();
    let hyper = HyperTable::from_fn(10, 1, 1, |_, _, _| GroupHyper::new(0.05, 1e-3, 0.9)).unwrap();
    let all = batches();
    engine.run(&all[..10], &hyper).unwrap();
    let middle = engine.state(0).unwrap();
    engine.run(&all[10..20], &hyper).unwrap();
    let end = engine.state(0).unwrap();
    assert_ne!(middle, end);

    let mut resumed = CpuEngine::new(&graph, EngineOptions::new(&graph, BATCH)).unwrap();
    resumed.load_images(Split::Train, images()).unwrap();
    resumed.load_state(0, &middle).unwrap();
    resumed.run(&all[10..20], &hyper).unwrap();
    assert_eq!(resumed.state(0).unwrap(), end);
}
