//! Inputs at the edge of what float32 and memory hold: a definite result, or a refusal in a sentence.

use std::sync::Arc;

use nn_cpu::{CpuEngine, Level};
use nn_engine::{
    BatchSpec, Engine, EngineError, EngineOptions, GroupHyper, HyperTable, ImageSet, Precision,
    Split, State, Stats,
};
use nn_graph::nets::{Architecture, NetConfig, Normaliser};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};

/// A network that only normalises one channel and classifies by its mean.
fn normaliser(affine: Affine, epsilon: f64) -> Graph {
    let mut net = GraphBuilder::new(Shape::new([1, 3, 7])).unwrap();
    let x = net
        .batch_norm("norm", net.input(), affine, epsilon)
        .unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    let x = net
        .linear("head", x, 2, Bias::None, Training::Trained)
        .unwrap();
    net.finish(x).unwrap()
}

/// The same with instance normalisation, which has no running statistics.
fn instance_normaliser(affine: Affine, epsilon: f64) -> Graph {
    let mut net = GraphBuilder::new(Shape::new([1, 3, 7])).unwrap();
    let x = net
        .group_norm("norm", net.input(), 1, affine, epsilon)
        .unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    let x = net
        .linear("head", x, 2, Bias::None, Training::Trained)
        .unwrap();
    net.finish(x).unwrap()
}

/// Three images of `graph`'s shape, every byte of which is `byte`.
fn constant_images(graph: &Graph, byte: u8) -> Arc<ImageSet> {
    let [c, h, w] = graph.input_shape().dims()[..] else {
        unreachable!()
    };
    let pixels = vec![byte; 3 * c * h * w];
    let images = ImageSet::new([c, h, w], pixels, vec![0, 1, 1], vec![0.0; c], vec![1.0; c]);
    Arc::new(images.unwrap())
}

fn on_constant_images(graph: &Graph, level: Level, byte: u8) -> CpuEngine {
    let mut engine = CpuEngine::at_level(graph, EngineOptions::new(graph, 3), level).unwrap();
    let images = constant_images(graph, byte);
    engine.load_images(Split::Train, images).unwrap();
    engine
}

fn one_step(engine: &mut CpuEngine, hyper: GroupHyper) -> Result<Stats, EngineError> {
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| hyper).unwrap();
    engine.run(&[BatchSpec::plain(vec![0, 1, 2])], &hyper)
}

#[test]
fn a_constant_channel_is_normalised_to_zero_for_any_epsilon() {
    // Sums of 21 equal numbers are rounded, so that most of these have no exact mean.
    for level in Level::available() {
        for epsilon in [0.0, f64::from_bits(1), 1e-80, 1e-76, 1e-5] {
            let graph = normaliser(Affine::ScaleAndShift, epsilon);
            for byte in 0..=255 {
                let mut engine = on_constant_images(&graph, level, byte);
                let mut state = State::initial(&graph, 0);
                state.get_mut("norm.scale").unwrap().values[0] = 1e6;
                engine.load_state(0, &state).unwrap();
                let stats = one_step(&mut engine, GroupHyper::new(0.1, 0.0, 0.0)).unwrap();
                let at = format!("{level}, epsilon {epsilon:e}, byte {byte}");
                // Both classes have logit 0, and no gradient reaches the scale.
                assert_eq!(stats.get(0, 0).loss, 2f64.ln(), "{at}");
                let after = engine.state(0).unwrap();
                let value = |name: &str| after.get(name).unwrap().values[0];
                assert_eq!(value("norm.scale"), 1e6, "{at}");
                assert!(value("norm.shift").is_finite(), "{at}");
                let mean = f64::from((f64::from(byte) / 255.0) as f32);
                assert_eq!(
                    value("norm.running_mean"),
                    f64::from((0.1 * mean) as f32),
                    "{at}"
                );
                assert_eq!(value("norm.running_variance"), f64::from(0.9_f32), "{at}");
            }
        }
    }
}

#[test]
fn a_constant_group_is_normalised_to_zero_for_any_epsilon() {
    for level in Level::available() {
        for epsilon in [0.0, f64::from_bits(1), 1e-80, 1e-76, 1e-5] {
            let graph = instance_normaliser(Affine::ScaleAndShift, epsilon);
            for byte in 0..=255 {
                let mut engine = on_constant_images(&graph, level, byte);
                let mut state = State::initial(&graph, 0);
                state.get_mut("norm.scale").unwrap().values[0] = 1e6;
                engine.load_state(0, &state).unwrap();
                let at = format!("{level}, epsilon {epsilon:e}, byte {byte}");
                let evaluated = engine.evaluate(0, Split::Train, &[1.0]).unwrap();
                assert_eq!(evaluated.loss, 2f64.ln(), "{at}");
                let stats = one_step(&mut engine, GroupHyper::new(0.1, 0.0, 0.0)).unwrap();
                assert_eq!(stats.get(0, 0).loss, 2f64.ln(), "{at}");
                let after = engine.state(0).unwrap();
                assert_eq!(after.get("norm.scale").unwrap().values[0], 1e6, "{at}");
                assert_eq!(after.get("norm.running_mean"), None);
            }
        }
    }
}

#[test]
fn logits_with_a_nan_have_no_right_answer() {
    let graph = normaliser(Affine::None, 0.0);
    let mut engine = on_constant_images(&graph, Level::detect(), 100);
    let infinite = f64::INFINITY;
    let weights = [
        [f64::NAN, 3.0],
        [3.0, f64::NAN],
        [infinite, 0.0],
        [0.0, 0.0],
    ];
    for (weights, right) in weights.into_iter().zip([0, 0, 0, 1]) {
        let mut state = State::initial(&graph, 0);
        state.get_mut("head.weight").unwrap().values = weights.to_vec();
        // The normalised value is 1 in evaluation, and 0 in training.
        let mean = state.get_mut("norm.running_mean").unwrap();
        mean.values[0] = f64::from(100.0_f32 / 255.0) - 1.0;
        engine.load_state(0, &state).unwrap();
        let found = engine.evaluate(0, Split::Train, &[1.0]).unwrap();
        assert_eq!((found.loss.is_nan(), found.correct), (right == 0, right));
        let stats = one_step(&mut engine, GroupHyper::new(0.1, 0.0, 0.0)).unwrap();
        assert_eq!(stats.get(0, 0).correct as usize, right);
    }
}

#[test]
fn hyperparameters_that_float32_cannot_hold_are_refused_before_anything_changes() {
    let graph = normaliser(Affine::None, 1e-5);
    let good = GroupHyper::new(0.1, 5e-4, 0.9);
    let largest = f64::from(f32::MAX);
    for entry in [
        GroupHyper::new(1e39, 5e-4, 0.9),
        GroupHyper::new(0.1, 1e39, 0.9),
        GroupHyper::new(0.1, -1e39, 0.9),
        GroupHyper::new(0.1, 5e-4, 1.0 - 1e-9),
    ] {
        let hyper = |last| HyperTable::from_fn(2, 1, 1, |step, _, _| [good, last][step]).unwrap();
        let batches = vec![BatchSpec::plain(vec![0, 1, 2]); 2];
        let mut engine = on_constant_images(&graph, Level::detect(), 100);
        let before = engine.state(0).unwrap();
        let refused = engine.run(&batches, &hyper(entry)).unwrap_err();
        let named = EngineError::HyperPrecision {
            step: 1,
            replica: 0,
            group: 0,
            entry,
            precision: Precision::Float32,
        };
        assert_eq!(refused, named);
        assert_eq!(engine.state(0).unwrap(), before);
        // A step that is not run, and the largest rate there is.
        engine.run(&batches[..1], &hyper(entry)).unwrap();
        engine
            .run(&batches, &hyper(GroupHyper::new(largest, 0.0, 0.9)))
            .unwrap();
    }
    let entry = GroupHyper::new(1e39, 5e-4, 0.9);
    let mut engine = on_constant_images(&graph, Level::detect(), 100);
    assert_eq!(
        one_step(&mut engine, entry).unwrap_err().to_string(),
        "step 0 of replica 0, group 0: learning rate 1e39, weight decay 0.0005 or momentum 0.9 leaves its range \
         when rounded to float32; use smaller values, or an engine of higher precision"
    );
    let mut reference =
        nn_reference::ReferenceEngine::new(&graph, EngineOptions::new(&graph, 3)).unwrap();
    reference
        .load_images(Split::Train, constant_images(&graph, 100))
        .unwrap();
    let table = HyperTable::from_fn(1, 1, 1, |_, _, _| entry).unwrap();
    reference.run(&[BatchSpec::plain(vec![0])], &table).unwrap();
}

/// A convolution, pooled.
fn convolution(input: [usize; 3], channels: usize, stride: usize, padding: usize) -> Graph {
    let spec = ConvSpec {
        channels,
        kernel: 1,
        stride,
        padding,
        bias: Bias::None,
    };
    let mut net = GraphBuilder::new(Shape::new(input)).unwrap();
    let x = net.conv2d("conv", net.input(), spec).unwrap();
    let x = net.global_average_pool("pool", x).unwrap();
    net.finish(x).unwrap()
}

#[test]
fn sizes_beyond_memory_are_refused_in_a_sentence() {
    let far = 1 << 20;
    let options = |graph: &Graph, batch_size, replicas| EngineOptions {
        replicas,
        ..EngineOptions::new(graph, batch_size)
    };
    // More than a 64-bit processor addresses, and more than 64 bits count.
    for (what, graph, batch_size, replicas) in [
        ("frame", convolution([1, 3, 3], 2, far, far), 4, 1),
        ("frame", convolution([1, 3, 3], far, far, far), 4, 1),
        (
            "batch",
            convolution([1, 1 << 15, 1 << 15], 2, 1, 0),
            1 << 16,
            1,
        ),
        (
            "replicas",
            convolution([1 << 14, 1, 1], 1 << 15, 1, 0),
            1,
            1 << 16,
        ),
    ] {
        let refused = CpuEngine::new(&graph, options(&graph, batch_size, replicas)).err();
        let Some(EngineError::Memory { bytes, .. }) = refused else {
            panic!("{what}: {refused:?}")
        };
        assert!(bytes > 1 << 47, "{what}: {bytes} bytes");
    }
    let graph = convolution([1, 3, 3], 2, far, far);
    let one_thread = EngineOptions {
        threads: 1,
        ..options(&graph, 4, 1)
    };
    let refused = CpuEngine::new(&graph, one_thread).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "frames around the images of a convolution take 281475245146752 bytes, which this machine does not give; \
         smaller batches, fewer replicas, a smaller network or fewer steps in a call take less"
    );
}

#[test]
fn a_run_after_a_diverged_one_finds_nothing_of_it() {
    let mut config = NetConfig::new(Architecture::ResNet, 8);
    (config.width, config.input) = (5, [3, 8, 8]);
    config.affine = Affine::ScaleAndShift;
    for normaliser in [Normaliser::Batch, Normaliser::Instance] {
        config.normaliser = normaliser;
        let graph = config.build().unwrap();
        for level in Level::available() {
            let mut engine = on_constant_images(&graph, level, 100);
            let mut diverged = State::initial(&graph, 0);
            for tensor in &mut diverged.tensors {
                tensor.values.fill(f64::NAN);
            }
            engine.load_state(0, &diverged).unwrap();
            let stats = one_step(&mut engine, GroupHyper::new(0.1, 0.0, 0.9)).unwrap();
            assert!(stats.get(0, 0).loss.is_nan());
            let mut fresh = on_constant_images(&graph, level, 100);
            let after = [&mut engine, &mut fresh].map(|engine| {
                engine.load_state(0, &State::initial(&graph, 0)).unwrap();
                one_step(engine, GroupHyper::new(0.1, 0.0, 0.9)).unwrap();
                engine.state(0).unwrap()
            });
            assert_eq!(after[0], after[1], "{level}, {normaliser:?}");
        }
    }
}
