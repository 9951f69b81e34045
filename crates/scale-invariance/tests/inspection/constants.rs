//! Numbers that are part of the network.

use nn_graph::network::{Reduction, Rule};
use scale_invariance::Invariance;

use crate::net::{Net, find};

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
        let masked = net.number(number);
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
    let bound = net.number(6.0);
    let extents = net.extents(net.x);
    net.x = net.push("relu6", Rule::Homogeneous, &[net.x, bound], extents);
    net.norm("norm", &[1]);
    assert_eq!(
        find(&net.inspect(), "weight").reason.as_deref().unwrap(),
        "`relu6` (Homogeneous) joins what `weight` scales with constant numbers, which do not scale"
    );
}

/// Infinity times `W x + b`, and that over 0, is the sign of it: how the two weigh against each other.
#[test]
fn of_what_is_infinite_the_sign_is_left() {
    for (rule, number) in [
        (Rule::Multiply, f64::INFINITY),
        (Rule::Divide, 0.0),
        (Rule::Multiply, 0.0),
    ] {
        let mut net = Net::features(4);
        net.linear("weight", 4);
        net.bias("bias");
        let mut number_ = net.number(number);
        if (&rule, number) == (&Rule::Multiply, 0.0) {
            let inverse = Rule::Power {
                numerator: -1,
                denominator: 1,
            };
            number_ = net.push("inverse", inverse, &[number_], vec![]);
        }
        let extents = net.extents(net.x);
        net.x = net.push("product", rule, &[net.x, number_], extents);
        net.map("tanh", Rule::Nonlinear);
        let found = net.inspect();
        for name in ["weight", "bias"] {
            assert_ne!(find(&found, name).invariance, Invariance::Alone, "{number}");
        }
    }
}

/// Beside a norm a small number is an `ε`; beside 0, or less than that, it is all there is.
#[test]
fn a_small_number_is_an_epsilon_beside_what_is_larger() {
    for (number, expected) in [
        (0.25, Invariance::Alone),
        (-1.0, Invariance::None),
        (0.0, Invariance::None),
        (1e-12, Invariance::None),
    ] {
        let mut net = Net::features(4);
        net.linear("weight", 4);
        let norm = net.reduced("norm", Reduction::Norm);
        let column = net.extents(norm);
        let factor = net.number(number);
        let scaled = net.push("scaled", Rule::Multiply, &[norm, factor], column.clone());
        let small = net.number(1e-3);
        let safe = net.push("safe", Rule::Homogeneous, &[scaled, small], column);
        let extents = net.extents(net.x);
        net.x = net.push("unit", Rule::Divide, &[net.x, safe], extents);
        let found = net.inspect();
        assert_eq!(find(&found, "weight").invariance, expected, "{number}");
    }
}
