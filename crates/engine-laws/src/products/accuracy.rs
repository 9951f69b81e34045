//! How far long sums of products are from the exact ones.

use std::sync::Arc;

use nn_engine::{
    BatchSpec, Batches, Engine, EngineOptions, GroupHyper, HyperTable, ImageSet, NamedTensor,
    Products, Split, State,
};
use nn_graph::{Bias, ConvSpec, Graph, GraphBuilder, Shape};
use nn_reference::ReferenceEngine;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::classified;
use crate::Subject;

const BATCH: usize = 2;
const INPUT: [usize; 3] = [64, 16, 16];

/// Where convolutions add many products, forward and in both gradients, the largest error of an engine that rounds no factor is
/// at most twice that of the same engine in full: what [`Products::Tf32x3`] is for. Where factors are rounded, it is at least 200
/// times that, so that there is no mistaking one for the other.
///
/// Sums are of 288 to 576 products of numbers without a pattern. Cut off at every step, as tensor cores do it, they would be
/// further off.
///
/// # Panics
/// If the error is larger, or as small.
pub fn long_sums_are_as_exact_as_in_full_unless_factors_are_rounded(subject: &Subject) {
    let graph = graph();
    let options = || EngineOptions::new(&graph, BATCH);
    let exact = gradients(&mut ReferenceEngine::new(&graph, options()).unwrap());
    let errors = |subject: &Subject| {
        let found = gradients(subject.make(&graph, options()).as_mut());
        [0, 1, 2].map(|n| largest_error(&exact[n], &found[n]))
    };
    let in_full = errors(&subject.clone().with_products(Products::Full));
    for (n, error) in errors(subject).into_iter().enumerate() {
        let times = error / in_full[n];
        println!(
            "{subject}, {}: {error:.1e}, {times:.2} times that in full",
            NAMES[n]
        );
        match subject.products().rounds() {
            false => assert!(times <= 2.0, "{subject}"),
            true => assert!(times >= 200.0, "{subject}"),
        }
    }
}

/// The convolutions: two of 3×3, and one that reads all positions with weights of its own, so that gradients of the others have no
/// pattern.
const NAMES: [&str; 3] = ["first", "second", "reader"];

fn graph() -> Graph {
    let mut net = GraphBuilder::new(Shape::new(INPUT)).unwrap();
    let mut x = net.input();
    for (name, [channels, kernel, padding]) in
        NAMES
            .into_iter()
            .zip([[32, 3, 1], [32, 3, 1], [6, INPUT[1], 0]])
    {
        let spec = ConvSpec {
            channels,
            kernel,
            stride: 1,
            padding,
            bias: Bias::None,
        };
        x = net.conv2d(name, x, spec).unwrap();
    }
    classified(net, x).unwrap()
}

/// Gradients of the convolutions' weights.
fn gradients(engine: &mut dyn Engine) -> [NamedTensor; 3] {
    let pixels = vec(any::<u8>(), BATCH * INPUT.iter().product::<usize>());
    let pixels = pixels.new_tree(&mut TestRunner::deterministic()).unwrap();
    let (mean, deviation) = (vec![0.5; INPUT[0]], vec![0.29; INPUT[0]]);
    let images = ImageSet::new(INPUT, pixels.current(), vec![1, 2], mean, deviation).unwrap();
    engine.load_images(Split::Train, Arc::new(images)).unwrap();
    let mut state = State::initial(engine.graph(), 1);
    // One class wins by so much that all probabilities are 0 or 1: that of another would be off by as much as its logits.
    state.get_mut("head.bias").unwrap().values = vec![f64::from(1 << 20), 0.0, 0.0, 0.0];
    engine.load_state(0, &state).unwrap();
    let batch = BatchSpec::plain((0..BATCH as u32).collect());
    let hyper = HyperTable::from_fn(1, 1, 1, |_, _, _| GroupHyper::new(0.0, 0.0, 0.0)).unwrap();
    engine.run(Batches::shared(&[batch]), &hyper).unwrap();
    let state = engine.state(0).unwrap();
    // After one step a buffer is the gradient.
    let buffer = |name| state.get(&format!("{name}.weight.momentum_buffer"));
    NAMES.map(|name| buffer(name).unwrap().clone())
}

/// The largest distance of an element from the exact one, relative to the root mean square of those.
fn largest_error(exact: &NamedTensor, found: &NamedTensor) -> f64 {
    let square: f64 = exact.values.iter().map(|value| value * value).sum();
    let scale = (square / exact.values.len() as f64).sqrt();
    let errors = exact.values.iter().zip(&found.values);
    errors
        .map(|(exact, found)| (exact - found).abs() / scale)
        .fold(0.0, f64::max)
}
