//! No network takes long.

use nn_graph::network::Rule;
use scale_invariance::Invariance::Balanced;

use crate::net::{Net, invariances};

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
