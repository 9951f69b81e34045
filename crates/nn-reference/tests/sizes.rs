//! Sizes beyond memory are refused in a sentence, and before anything is changed.

use std::sync::Arc;

use nn_engine::{BatchSpec, Engine, EngineError, EngineOptions, ImageSet, Split};
use nn_graph::{Bias, ConvSpec, Graph, GraphBuilder, Shape};
use nn_reference::ReferenceEngine;

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

fn is_refusal(error: &EngineError) -> bool {
    matches!(error, EngineError::Memory { bytes, .. } if *bytes > 1 << 47)
}

#[test]
fn networks_and_replicas_beyond_memory_are_refused() {
    let far = 1 << 20;
    for (graph, replicas) in [
        (convolution([8, 3, 3], 1, far, far), 1),
        (convolution([far, 3, 3], 1, far, far), 1),
        (convolution([1 << 14, 1, 1], 1 << 15, 1, 0), 1 << 16),
    ] {
        let options = EngineOptions {
            replicas,
            ..EngineOptions::new(&graph, 1)
        };
        let refused = ReferenceEngine::new(&graph, options).unwrap_err();
        assert!(is_refusal(&refused), "{refused}");
    }
}

#[test]
fn batches_beyond_memory_are_refused() {
    let graph = convolution([1, 1, 1], 1, 1, 6000);
    let mut engine = ReferenceEngine::new(&graph, EngineOptions::new(&graph, 1 << 16)).unwrap();
    let images = ImageSet::new(
        [1, 1, 1],
        vec![1; 1 << 16],
        vec![0; 1 << 16],
        vec![0.0],
        vec![1.0],
    );
    engine
        .load_images(Split::Train, Arc::new(images.unwrap()))
        .unwrap();
    let batch = BatchSpec::plain((0..1 << 16).collect());
    let refused = engine.gradients(0, &batch).unwrap_err();
    assert!(is_refusal(&refused), "{refused}");
    let refused = engine.evaluate(0, Split::Train, &[1.0]).unwrap_err();
    assert!(is_refusal(&refused), "{refused}");
}
