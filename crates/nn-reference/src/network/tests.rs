//! What is stored between operations, against numbers worked out by hand.

use nn_engine::{EngineOptions, State};
use nn_graph::{Affine, Bias, ConvSpec, GraphBuilder, Shape, Training};

use super::*;

const THIRD: f64 = 1.0 / 3.0;

/// The nearest of 8 bits.
const STORED_THIRD: f64 = 171.0 / 512.0;

/// One value, which a branch of a residual network reads twice: `pool(stem + conv(stem))`, and two classes.
fn residual() -> Graph {
    let mut net = GraphBuilder::new(Shape::new([1, 1, 1])).unwrap();
    let spec = ConvSpec {
        channels: 1,
        kernel: 1,
        stride: 1,
        padding: 0,
        bias: Bias::Trained,
    };
    let stem = net.conv2d("stem", net.input(), spec).unwrap();
    let conv = net.conv2d("conv", stem, spec).unwrap();
    let sum = net.add("sum", stem, conv).unwrap();
    let pooled = net.global_average_pool("pool", sum).unwrap();
    let head = net.linear("head", pooled, 2, Bias::Trained, Training::Trained);
    net.finish(head.unwrap()).unwrap()
}

fn replica(graph: &Graph, products: Products, values: &[(&str, &[f64])]) -> Replica {
    let options = EngineOptions {
        products,
        ..EngineOptions::new(graph, 2)
    };
    let mut state = State::initial(graph, 0);
    for (name, values) in values {
        state.get_mut(name).unwrap().values = values.to_vec();
    }
    Replica::from_state(graph, &options, &state).unwrap()
}

fn images(values: &[f64]) -> Tensor {
    Tensor::from_shape_vec((values.len(), 1, 1, 1), values.to_vec()).unwrap()
}

/// Results of all nodes and gradients of all parameters, for an image of 1/3 and a gradient of 1/3 by the first logit.
fn trained(products: Products) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let graph = residual();
    let weights: [(&str, &[f64]); 3] = [
        ("stem.weight", &[1.0]),
        ("conv.weight", &[97.0 / 64.0]),
        ("head.weight", &[THIRD, 0.0]),
    ];
    let replica = replica(&graph, products, &weights);
    let done = forward(&graph, &replica, images(&[THIRD]), None).unwrap();
    let logits = Tensor::from_shape_vec((1, 2, 1, 1), vec![THIRD, 0.0]);
    let gradients = backward(&graph, &replica, &done, logits.unwrap()).unwrap();
    let values = |tensors: Vec<Tensor>| {
        let values = tensors.iter().map(|t| t.iter().copied().collect());
        values.collect()
    };
    (values(done.tensors), values(gradients))
}

#[test]
fn results_are_bf16_numbers() {
    let (results, _) = trained(Products::Bf16);
    // The convolution's product is 129.59 / 256, and the sum 431 / 512, halfway: 432 has the even significand.
    let sum = 432.0 / 512.0;
    let wanted: [&[f64]; 6] = [
        &[STORED_THIRD],
        &[STORED_THIRD],
        &[130.0 / 256.0],
        &[sum],
        &[sum],
        // Of 1/3 as the linear layer multiplies it, in full.
        &[9.0 / 32.0, 0.0],
    ];
    assert_eq!(results, wanted);
}

/// Gradients of biases are those of results; gradients of weights are products of two stored numbers, and not rounded.
#[test]
fn gradients_of_results_are_bf16_numbers_and_those_of_parameters_are_not_rounded() {
    let (_, gradients) = trained(Products::Bf16);
    // A third of what is stored of a third.
    let sum = 57.0 / 512.0;
    // Of the two readers of the stem, 57 / 512 and 57 / 512 · 97 / 64: together 143.39 / 512. Were the second rounded
    // before it is added, that would be 143.5, and 144.
    let stem = 143.0 / 512.0;
    let wanted: [&[f64]; 6] = [
        &[stem * STORED_THIRD],
        &[stem],
        &[sum * STORED_THIRD],
        &[sum],
        &[STORED_THIRD * 432.0 / 512.0, 0.0],
        &[STORED_THIRD, 0.0],
    ];
    assert_eq!(gradients, wanted);
    for weight in [0, 2, 4] {
        let gradient = gradients[weight][0];
        assert_ne!(Products::Bf16.store(gradient), gradient);
    }
}

#[test]
fn other_formats_store_what_is_computed() {
    for products in [Products::Full, Products::Tf32] {
        let (results, gradients) = trained(products);
        assert_eq!(results[0], [THIRD], "{products}");
        assert_eq!(results[3], [results[1][0] + results[2][0]], "{products}");
        assert_eq!(gradients[5], [THIRD, 0.0], "{products}");
    }
}

/// Also where running statistics take their place.
#[test]
fn statistics_are_those_of_stored_values() {
    let mut net = GraphBuilder::new(Shape::new([1, 1, 1])).unwrap();
    let x = net.batch_norm("norm", net.input(), Affine::None, 0.0);
    let graph = net.finish(x.unwrap()).unwrap();
    let replica = replica(&graph, Products::Bf16, &[]);
    let done = forward(&graph, &replica, images(&[THIRD, 1.0]), None).unwrap();
    let [of_batch] = &done.statistics[..] else {
        unreachable!()
    };
    assert_eq!(of_batch.mean, [(STORED_THIRD + 1.0) / 2.0]);
    let half = (1.0 - STORED_THIRD) / 2.0;
    assert_eq!(of_batch.variance, [half * half]);
    let running = ChannelStatistics {
        mean: vec![0.0],
        variance: vec![9.0],
        values: 0,
    };
    let done = forward(&graph, &replica, images(&[1.0]), Some(&[running])).unwrap();
    assert_eq!(done.logits(&graph)[[0, 0, 0, 0]], STORED_THIRD);
}
