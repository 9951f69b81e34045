//! Normalisation of what does not vary.

use nn_engine::{Engine, GroupHyper, Optimiser, Precision, Split, State};
use nn_graph::{Affine, Graph};

use super::networks::{
    between_convolutions, constant_images, instance_normaliser, normaliser, one_step,
};
use crate::Subject;

const EPSILONS: [f64; 5] = [0.0, f64::from_bits(1), 1e-80, 1e-76, 1e-5];

/// Images whose every value is one of these bytes, normalised with any `ε`, 0 too, become 0, and no gradient comes out of
/// that. (Sums of 21 equal numbers are rounded, so that most bytes have no exact mean.)
///
/// # Panics
/// If a number is another.
pub fn a_constant_channel_becomes_zero(subject: &Subject, bytes: impl Iterator<Item = u8> + Clone) {
    for (epsilon, graph) in EPSILONS.map(|it| (it, normaliser(Affine::ScaleAndShift, it))) {
        let mut engine = subject.make(&graph, nn_engine::EngineOptions::new(&graph, 3));
        let precision = engine.device().precision;
        let held = |value: f64| match precision {
            Precision::Float32 => f64::from(value as f32),
            Precision::Float64 => value,
        };
        for byte in bytes.clone() {
            let at = format!("{subject}, epsilon {epsilon:e}, byte {byte}");
            start(engine.as_mut(), &graph, byte);
            step(engine.as_mut(), &at);
            let after = engine.state(0).unwrap();
            let value = |name: &str| after.get(name).unwrap().values[0];
            assert!(value("norm.shift").is_finite(), "{at}");
            // Images are stored before statistics are taken of them.
            let mean = subject.products().store(held(f64::from(byte) / 255.0));
            assert_eq!(value("norm.running_mean"), held(0.1 * mean), "{at}");
            assert_eq!(value("norm.running_variance"), held(0.9), "{at}");
        }
    }
}

/// The same where convolutions normalise on the way: of 21 positions, which fill no tile, with and without a ReLU.
///
/// # Panics
/// If a number is another.
pub fn a_constant_channel_between_convolutions_becomes_zero(subject: &Subject) {
    for (epsilon, relu) in EPSILONS
        .into_iter()
        .flat_map(|it| [(it, false), (it, true)])
    {
        let at = format!("{subject}, epsilon {epsilon:e}, ReLU {relu}");
        let graph = between_convolutions(epsilon, relu);
        let mut engine = subject.make(&graph, nn_engine::EngineOptions::new(&graph, 3));
        start(engine.as_mut(), &graph, 100);
        let mut state = engine.state(0).unwrap();
        // So far from 0 that an inverse of 1e38 times it is beyond float32.
        for (name, value) in [("before.weight", 0.0), ("before.bias", 10.0)] {
            state.get_mut(name).unwrap().values.fill(value);
        }
        engine.load_state(0, &state).unwrap();
        step(engine.as_mut(), &at);
        let shift = engine.state(0).unwrap().get("norm.shift").unwrap().values[0];
        assert!(shift.is_finite(), "{at}");
    }
}

/// The same of images normalised one by one, in evaluation too.
///
/// # Panics
/// If a number is another.
pub fn a_constant_group_becomes_zero(subject: &Subject, bytes: impl Iterator<Item = u8> + Clone) {
    for (epsilon, graph) in EPSILONS.map(|it| (it, instance_normaliser(Affine::ScaleAndShift, it)))
    {
        let mut engine = subject.make(&graph, nn_engine::EngineOptions::new(&graph, 3));
        for byte in bytes.clone() {
            let at = format!("{subject}, epsilon {epsilon:e}, byte {byte}");
            start(engine.as_mut(), &graph, byte);
            let evaluated = engine.evaluate(0, Split::Train, &[1.0]).unwrap();
            assert_eq!(evaluated.loss, 2f64.ln(), "{at}");
            step(engine.as_mut(), &at);
            assert_eq!(engine.state(0).unwrap().get("norm.running_mean"), None);
        }
    }
}

/// A weight that no gradient has reached stays with AdamW, also where `ε` is 0 and its update would be `0/0`.
///
/// # Panics
/// If one moves, or is no number.
pub fn adam_leaves_a_weight_without_gradient(subject: &Subject) {
    let graph = normaliser(Affine::None, 1e-5);
    let options = nn_engine::EngineOptions {
        optimiser: Optimiser::AdamW,
        ..nn_engine::EngineOptions::new(&graph, 3)
    };
    let mut engine = subject.make(&graph, options);
    let images = constant_images(&graph, 100);
    engine.load_images(Split::Train, images).unwrap();
    let start = engine.state(0).unwrap();
    for step in 0..3 {
        let hyper = GroupHyper::adamw(0.1, 0.0, [0.9, 0.99], 0.0, step);
        let stats = one_step(engine.as_mut(), hyper).unwrap();
        assert_eq!(stats.get(0, 0).loss, 2f64.ln(), "{subject}, step {step}");
    }
    let end = engine.state(0).unwrap();
    for name in ["head.weight", "head.weight.second_moment"] {
        assert_eq!(end.get(name), start.get(name), "{subject}");
    }
}

/// Loads constant images and the initial state, with a scale that makes much of little.
fn start(engine: &mut dyn Engine, graph: &Graph, byte: u8) {
    let images = constant_images(graph, byte);
    engine.load_images(Split::Train, images).unwrap();
    let mut state = State::initial(graph, 0);
    state.get_mut("norm.scale").unwrap().values[0] = 1e6;
    engine.load_state(0, &state).unwrap();
}

/// A step in which both classes have logit 0, and no gradient reaches the scale.
fn step(engine: &mut dyn Engine, at: &str) {
    let stats = one_step(engine, GroupHyper::new(0.1, 0.0, 0.0)).unwrap();
    assert_eq!(stats.get(0, 0).loss, 2f64.ln(), "{at}");
    let after = engine.state(0).unwrap();
    assert_eq!(after.get("norm.scale").unwrap().values[0], 1e6, "{at}");
}
