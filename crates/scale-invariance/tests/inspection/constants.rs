//! Numbers that are part of the network.

use nn_graph::network::{Constant, Rule, TensorId};
use scale_invariance::Invariance;

use crate::net::{Net, find};

fn uniform(net: &mut Net, number: f64) -> TensorId {
    let constant = Constant::Uniform(number);
    net.net.constant("number", Some(vec![]), constant)
}

/// `-∞` is what a mask puts before a softmax, and stays `-∞` when all is multiplied.
#[test]
fn infinity_scales_as_anything() {
    for (number, expected) in [
        (f64::NEG_INFINITY, Invariance::Alone),
        (-1e9, Invariance::None),
    ] {
        let mut net = Net::features(4);
        let condition = net.x;
        net.linear("weight", 4);
        let masked = uniform(&mut net, number);
        let extents = net.extents(net.x);
        let inputs = [condition, masked, net.x];
        net.x = net.push("where", Rule::Gate, &inputs, extents);
        net.norm("norm", &[1]);
        let found = net.inspect();
        assert_eq!(find(&found, "weight").invariance, expected, "{number}");
    }
}

#[test]
fn a_bound_is_told_to_be_one() {
    let mut net = Net::features(4);
    net.linear("weight", 4);
    let bound = uniform(&mut net, 6.0);
    let extents = net.extents(net.x);
    net.x = net.push("relu6", Rule::Homogeneous, &[net.x, bound], extents);
    net.norm("norm", &[1]);
    assert_eq!(
        find(&net.inspect(), "weight").reason.as_deref().unwrap(),
        "`relu6` (Homogeneous) joins what `weight` scales with constant numbers, which do not scale"
    );
}
