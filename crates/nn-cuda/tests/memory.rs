//! What an engine holds on the device is known before it is made, and what does not fit is refused with what does.

mod common;

use std::sync::{Arc, Mutex, PoisonError};

use cudarc::driver::CudaContext;
use nn_cuda::CudaEngine;
use nn_engine::{
    BatchSpec, Batches, Engine, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet,
    Optimiser, Split,
};
use nn_graph::nets::{Architecture, NetConfig, Normaliser};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};

const INPUT: [usize; 3] = [3, 8, 8];

fn network(normaliser: Normaliser, affine: Affine) -> Graph {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    (config.width, config.input) = (6, INPUT);
    (config.normaliser, config.affine) = (normaliser, affine);
    config.build().unwrap()
}

/// Without a normalisation, and with nothing that is trained but a bias.
fn plain_network() -> Graph {
    let mut net = GraphBuilder::new(Shape::new(INPUT)).unwrap();
    let spec = ConvSpec {
        channels: 5,
        kernel: 3,
        stride: 2,
        padding: 1,
        bias: Bias::Trained,
    };
    let x = net.conv2d("conv", net.input(), spec).unwrap();
    let x = net.global_average_pool("mean", x).unwrap();
    let x = net.linear("head", x, 10, Bias::None, Training::Fixed);
    net.finish(x.unwrap()).unwrap()
}

fn options(graph: &Graph, batch: usize, replicas: usize) -> EngineOptions {
    EngineOptions {
        replicas,
        ..EngineOptions::new(graph, batch)
    }
}

fn needed(graph: &Graph, batch: usize, replicas: usize) -> u128 {
    CudaEngine::bytes_needed(graph, &options(graph, batch, replicas)).unwrap()
}

fn images(count: usize) -> Arc<ImageSet> {
    let pixels = vec![100; count * INPUT.iter().product::<usize>()];
    let images = ImageSet::new(INPUT, pixels, vec![1; count], vec![0.5; 3], vec![0.25; 3]);
    Arc::new(images.unwrap())
}

/// Pixels, labels, and what each byte stands for in each channel.
fn bytes_of_images(count: usize) -> u128 {
    let [channels, height, width] = INPUT;
    (count * (channels * height * width + 1) + 4 * 256 * channels) as u128
}

fn one_step(engine: &mut CudaEngine) -> Result<f64, EngineError> {
    one_step_of(engine, GroupHyper::new(0.1, 0.0, 0.9))
}

fn one_step_of(engine: &mut CudaEngine, hyper: GroupHyper) -> Result<f64, EngineError> {
    let hyper = HyperTable::from_fn(1, engine.replicas(), 1, |_, _, _| hyper);
    let stats = engine.run(
        Batches::shared(&[BatchSpec::plain(vec![0, 1])]),
        &hyper.unwrap(),
    )?;
    Ok(stats.get(0, 0).loss)
}

/// Free bytes, once all that was given back is free.
fn free() -> u128 {
    let context = CudaContext::new(0).unwrap();
    context.synchronize().unwrap();
    context.mem_get_info().unwrap().0 as u128
}

/// Exact on the simulated device; a GPU gives memory in pages.
#[test]
fn bytes_needed_is_what_an_engine_takes() {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(simulator) = common::simulator() else {
        return;
    };
    let sgd = (Optimiser::Sgd, GroupHyper::new(0.1, 0.0, 0.9));
    let hyper = GroupHyper::adamw(1e-3, 0.0, [0.9, 0.99], 1e-8, 0);
    let adamw = (Optimiser::AdamW, hyper);
    for (graph, batch, replicas, (optimiser, hyper)) in [
        (network(Normaliser::Batch, Affine::None), 2, 1, sgd),
        (network(Normaliser::Batch, Affine::ScaleAndShift), 7, 3, sgd),
        (
            network(Normaliser::Batch, Affine::ScaleAndShift),
            7,
            3,
            adamw,
        ),
        (network(Normaliser::Layer, Affine::ScaleAndShift), 5, 2, sgd),
        (
            network(Normaliser::Group { groups: 3 }, Affine::None),
            2,
            2,
            sgd,
        ),
        (plain_network(), 3, 2, sgd),
    ] {
        let at = format!("batch {batch}, {replicas} replicas, {optimiser}");
        let options = EngineOptions {
            optimiser,
            ..options(&graph, batch, replicas)
        };
        let needed = CudaEngine::bytes_needed(&graph, &options).unwrap();
        let before = free();
        let mut engine = CudaEngine::new(&graph, options).unwrap();
        assert_eq!(before - free(), needed, "{at}");
        engine.load_images(Split::Train, images(9)).unwrap();
        let taken = needed + bytes_of_images(9);
        assert_eq!(before - free(), taken, "{at}, with images");
        // Others in the place of those, and a step, take nothing.
        engine.load_images(Split::Train, images(9)).unwrap();
        one_step_of(&mut engine, hyper).unwrap();
        engine.evaluate(0, Split::Train, &[1.0]).unwrap();
        assert_eq!(before - free(), taken, "{at}, in use");
        drop(engine);
        assert_eq!(free(), before, "{at}, dropped");
        assert_eq!(simulator.leaks(), Vec::<String>::new(), "{at}");
    }
}

/// The sentence of an error, and its numbers.
fn refused(made: Result<CudaEngine, EngineError>) -> (String, u128, u128, usize, usize) {
    match made.err() {
        Some(
            ref error @ EngineError::DeviceMemory {
                bytes,
                free,
                batch,
                replicas,
            },
        ) => (error.to_string(), bytes, free, batch, replicas),
        other => panic!("{other:?}"),
    }
}

/// On a device that has as many bytes as 3 replicas with batches of 20 images need.
#[test]
#[ignore = "started by the other test"]
fn says_what_fits() {
    let graph = network(Normaliser::Batch, Affine::None);
    let make = |batch, replicas| CudaEngine::new(&graph, options(&graph, batch, replicas));
    let memory = needed(&graph, 20, 3);
    assert!(common::device());
    let (sentence, bytes, free, batch, replicas) = refused(make(20, 8));
    assert_eq!((bytes, free), (needed(&graph, 20, 8), memory));
    assert_eq!(replicas, 3);
    assert!(needed(&graph, batch, 8) <= memory && needed(&graph, batch + 1, 8) > memory);
    assert_eq!(
        sentence,
        format!(
            "the GPU has {memory} bytes of memory left and {bytes} are needed; \
             batches of {batch} images fit, or {replicas} replicas"
        )
    );
    // As it says, one after the other, since there is room for one.
    make(batch, 8).unwrap();
    refused(make(batch + 1, 8));
    make(20, 3).unwrap();
    refused(make(20, 4));
    // With images beside it, fewer: those that are named when there is no room for the images.
    let mut engine = make(20, 3).unwrap();
    let told = engine.load_images(Split::Train, images(9));
    let (_, bytes, free, batch, replicas) = refused(told.map(|()| engine));
    assert_eq!(bytes, needed(&graph, 20, 3));
    assert_eq!(free, memory - bytes_of_images(9));
    for (batch, replicas) in [(batch, 3), (20, replicas)] {
        let mut engine = make(batch, replicas).unwrap();
        engine.load_images(Split::Train, images(9)).unwrap();
        assert!(one_step(&mut engine).unwrap().is_finite());
    }
    // Two replicas with two images fit, which is fewer of both.
    let (sentence, _, _, batch, replicas) = refused(make(200, 60));
    assert_eq!((batch, replicas), (0, 0));
    let end = "are needed; use smaller batches and fewer replicas, or a smaller network";
    assert!(sentence.ends_with(end), "{sentence}");
    make(2, 2).unwrap();
    println!("told: all that is named fits");
}

#[test]
fn what_does_not_fit_is_refused_with_what_does() {
    if common::is_real() || !common::device() {
        return;
    }
    let graph = network(Normaliser::Batch, Affine::None);
    let memory = needed(&graph, 20, 3).to_string();
    let told = common::told_by("says_what_fits", &[("CUDA_SIM_MEMORY", memory.as_ref())]);
    assert_eq!(told, "all that is named fits");
}

/// More than a GPU counts, or 128 bits count in bytes: a sentence, and no overflow on the way.
#[test]
fn sizes_beyond_what_a_gpu_counts_are_refused_in_a_sentence() {
    let wide = |input: [usize; 3], channels| {
        let mut net = GraphBuilder::new(Shape::new(input)).unwrap();
        let spec = ConvSpec {
            channels,
            kernel: 1,
            stride: 1,
            padding: 0,
            bias: Bias::None,
        };
        let x = net.conv2d("conv", net.input(), spec).unwrap();
        let x = net.global_average_pool("pool", x).unwrap();
        net.finish(x).unwrap()
    };
    let positions =
        "a batch of 4096 images has 2^31 values of `input` or more; smaller batches have fewer";
    let values = "`conv.weight` has 536870912 values; on a GPU they are at most 536870911";
    for (graph, batch, replicas, wanted) in [
        (wide([1, 1 << 15, 1 << 15], 2), 4096, 1, positions),
        (wide([1 << 14, 1, 1], 1 << 15), 1, 1, values),
        (
            wide([1, 1, 1], 1 << 20),
            1,
            1,
            "`conv` has 1048576 channels; on a GPU they are at most 1048560",
        ),
        (
            wide([1, 1, 1], 2),
            1,
            65536,
            "the number of replicas is 65536; on a GPU it is at most 65535",
        ),
        (
            wide([1, 1, 1], 2),
            65536,
            1,
            "the batch size is 65536; on a GPU it is at most 65535",
        ),
    ] {
        let refused = CudaEngine::bytes_needed(&graph, &options(&graph, batch, replicas));
        assert_eq!(refused.unwrap_err().to_string(), wanted);
    }
}
