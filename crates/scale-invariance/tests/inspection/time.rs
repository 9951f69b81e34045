//! No network takes long.

use nn_graph::network::Rule;
use scale_invariance::Invariance::{Alone, Balanced, Jointly};

use crate::net::{Net, find, invariances};

/// Ten thousand operations with normalisation, in a stream, and in a chain in which all depend on all.
#[test]
fn long_networks_take_no_longer_than_they_are_long() {
    let mut net = Net::features(2);
    for layer in 0..3_000 {
        net.linear(&format!("w{layer}"), 2);
        net.map("relu", Rule::Homogeneous);
        net.norm("norm", &[0]);
    }
    let found = net.inspect();
    assert_eq!(found.dimension, 3_000);
    let mut net = Net::features(2);
    for layer in 0..3_000 {
        let stream = net.x;
        net.linear(&format!("a{layer}"), 2);
        net.map("relu", Rule::Homogeneous);
        net.linear(&format!("b{layer}"), 2);
        net.add("sum", stream);
    }
    net.norm("norm", &[0]);
    let found = net.inspect();
    assert_eq!(found.dimension, 3_000);
    let mut net = Net::features(2);
    for layer in 0..3_000 {
        net.linear(&format!("w{layer}"), 2);
        net.map("relu", Rule::Homogeneous);
    }
    let found = net.inspect();
    assert_eq!(found.dimension, 2_999);
    assert_eq!(invariances(&found), [Balanced; 3_000]);
}

/// A stream of affine maps without anything between them: every layer would double the terms that biases are.
#[test]
fn terms_do_not_multiply() {
    for (layers, expected) in [(5, Alone), (1_000, Jointly)] {
        let mut net = Net::features(2);
        for layer in 0..layers {
            let stream = net.x;
            net.linear(&format!("weight{layer}"), 2);
            net.bias(&format!("bias{layer}"));
            net.add("sum", stream);
        }
        net.norm("norm", &[0]);
        assert_eq!(find(&net.inspect(), "bias0").invariance, expected);
    }
}
