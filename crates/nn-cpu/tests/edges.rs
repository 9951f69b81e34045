//! Inputs at the edge of what float32 and memory hold: a definite result, or a refusal in a sentence.

mod common;

use engine_laws::edges;
use nn_cpu::CpuEngine;
use nn_engine::{EngineError, EngineOptions};
use nn_graph::{Bias, ConvSpec, Graph, GraphBuilder, Shape};

#[test]
fn a_constant_channel_is_normalised_to_zero_for_any_epsilon() {
    for subject in common::every_level() {
        edges::a_constant_channel_becomes_zero(&subject, 0..=255);
        edges::a_constant_channel_between_convolutions_becomes_zero(&subject);
    }
}

#[test]
fn a_constant_group_is_normalised_to_zero_for_any_epsilon() {
    for subject in common::every_level() {
        edges::a_constant_group_becomes_zero(&subject, 0..=255);
    }
}

#[test]
fn adam_leaves_a_weight_without_gradient() {
    for subject in common::every_level() {
        edges::adam_leaves_a_weight_without_gradient(&subject);
    }
}

#[test]
fn logits_with_a_nan_have_no_right_answer() {
    for subject in common::every_level() {
        edges::a_logit_that_is_no_number_has_no_right_answer(&subject);
    }
}

#[test]
fn hyperparameters_that_float32_cannot_hold_are_refused_before_anything_changes() {
    for subject in common::every_level() {
        edges::hyperparameters_beyond_float32_are_refused_before_anything_changes(&subject);
    }
}

#[test]
fn a_run_after_a_diverged_one_finds_nothing_of_it() {
    for subject in common::every_level() {
        edges::a_run_after_a_diverged_one_finds_nothing_of_it(&subject);
    }
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
