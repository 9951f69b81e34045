//! No network takes long.

use nn_graph::network::{Rule, TensorId};
use scale_invariance::Invariance::{Alone, Balanced, Jointly};
use scale_invariance::{Granularity, Invariance};

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

/// Exponents of exponents would have numbers as long as the network, and the work would grow as its cube.
#[test]
fn degrees_have_64_bits_at_most() {
    for (powers, expected) in [(2, Alone), (5_000, Invariance::None)] {
        let mut net = Net::features(2);
        net.linear("weight", 2);
        for _ in 0..powers {
            let power = Rule::Power {
                numerator: i32::MAX,
                denominator: i32::MAX - 2,
            };
            net.map("power", power);
        }
        net.norm("norm", &[0]);
        assert_eq!(find(&net.inspect(), "weight").invariance, expected);
    }
}

/// Products of random gains, added: equations that fill up as they are solved. Of too many nothing is claimed.
#[test]
fn equations_without_structure_come_to_an_end() {
    for (sums, is_decided) in [(100, true), (1_000, false)] {
        let mut net = Net::features(2);
        let (x, extents) = (net.x, net.extents(net.x));
        let gains = 0..sums * 5 / 4;
        let gains: Vec<TensorId> = gains.map(|_| net.parameter("gain", &[1])).collect();
        let mut state = 1u64;
        let mut gain = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            gains[(state >> 33) as usize % gains.len()]
        };
        let mut product = |net: &mut Net| {
            let inputs = [x, gain()];
            let once = net.push("once", Rule::Multiply, &inputs, extents.clone());
            net.push("twice", Rule::Multiply, &[once, gain()], extents.clone())
        };
        for _ in 0..sums {
            net.x = product(&mut net);
            let other = product(&mut net);
            net.add("sum", other);
        }
        let found = net.inspect();
        assert_eq!(found.dimension > 0, is_decided, "{sums}");
        if !is_decided {
            let reason = found.parameters[0].reason.clone().unwrap();
            assert!(reason.contains("take too long"), "{reason}");
        }
    }
}

/// Gains that must be cut alike, each with the next, from the last to the first.
#[test]
fn classes_of_cuts_are_found_in_any_order() {
    let mut net = Net::features(2);
    let (x, extents) = (net.x, net.extents(net.x));
    let gains = (0..20_000).map(|place| net.parameter(&format!("gain{place}"), &[2]));
    let gains: Vec<TensorId> = gains.collect();
    let mut sum = None;
    for &gain in gains.iter().rev() {
        net.x = net.push("gained", Rule::Multiply, &[x, gain], extents.clone());
        if let Some(sum) = sum {
            net.add("sum", sum);
        }
        sum = Some(net.x);
    }
    net.norm("norm", &[0]);
    let found = net.inspect();
    assert_eq!(found.dimension, 1);
    let cut = Some(Granularity::Filter);
    assert!(found.parameters.iter().all(|gain| gain.granularity == cut));
}

/// Short forms one in another, each with a name of its own: their values grow by 60 digits in base 2 with each layer.
#[test]
fn values_of_names_are_bounded() {
    let mut net = Net::features(2);
    for layer in 0..2_000 {
        let power = Rule::Power {
            numerator: i32::MAX,
            denominator: 1_771_561,
        };
        net.map("power", power.clone());
        net.map("power", power);
        for factor in 0..4 {
            let extents = net.extents(net.x);
            let parameter = net.parameter(&format!("p{layer}_{factor}"), &[2]);
            net.x = net.push("product", Rule::Multiply, &[net.x, parameter], extents);
        }
    }
    net.norm("norm", &[0]);
    let found = net.inspect();
    assert!(!found.scale_invariant);
    let violation = found.paper_rules.unwrap_err().to_string();
    assert!(violation.contains("hundreds of digits"), "{violation}");
}
