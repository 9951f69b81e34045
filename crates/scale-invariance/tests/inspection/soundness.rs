//! Networks that a rule, too generous, once called invariant.

use nn_graph::network::{AxisSource, Contract, ContractAxis, Normalise, Reduce, Reduction, Rule};
use scale_invariance::{Granularity, Invariance};

use crate::net::{Net, find, known};

fn root_mean_square(axes: &[usize]) -> Rule {
    Rule::Normalise(Normalise {
        axes: axes.to_vec(),
        grouped: None,
        centres: false,
    })
}

/// `where(condition, bias, 0)` varies with the condition, so that a batch normalisation does not cancel it.
#[test]
fn what_a_gate_chooses_varies_with_its_condition() {
    let mut net = Net::features(4);
    let condition = net.x;
    net.linear("weight", 4);
    let bias = net.parameter("bias", &[4]);
    let extents = net.extents(condition);
    let chosen = net.push("where", Rule::Gate, &[condition, bias], extents);
    net.add("sum", chosen);
    net.norm("norm", &[0]);
    let found = net.inspect();
    assert_eq!(find(&found, "bias").invariance, Invariance::Jointly);
    assert_eq!(find(&found, "bias").group, find(&found, "weight").group);
}

/// Beside a variance a small number is an `ε`; beside the inverse of one it is not small.
#[test]
fn a_small_number_beside_the_inverse_of_a_variance_is_no_epsilon() {
    for (inverts, expected) in [(false, Invariance::Alone), (true, Invariance::None)] {
        let mut net = Net::features(4);
        net.linear("weight", 4);
        net.x = net.reduced("squares", Reduction::SumOfSquares);
        if inverts {
            let one = net.number(1.0);
            net.x = net.push("inverse", Rule::Divide, &[one, net.x], vec![None, Some(1)]);
        }
        let small = net.number(1e-3);
        net.add("safe", small);
        net.map("norm", root_mean_square(&[0]));
        let found = net.inspect();
        assert_eq!(find(&found, "weight").invariance, expected, "{inverts}");
    }
}

/// A sum of squares has twice the degree, also of a tensor of which not even the number of axes is known.
#[test]
fn squares_are_summed_over_unknown_axes() {
    for told in [true, false] {
        let mut net = Net::features(4);
        net.linear("weight", 4);
        let x = net.x;
        let row = Some(net.extents(x)).filter(|_| told);
        let layer = net.net.operation("copy", "Identity", Rule::Copy, &[x], row);
        let copy = layer.unwrap();
        let squares = Rule::Reduce(Reduce {
            axes: vec![1],
            keeps_axes: true,
            by: Reduction::SumOfSquares,
        });
        let squares = net.push("squares", squares, &[copy], vec![None, Some(1)]);
        let row = net.extents(x);
        net.x = net.push("divided", Rule::Divide, &[x, squares], row);
        let found = net.inspect();
        assert_eq!(
            find(&found, "weight").invariance,
            Invariance::None,
            "{told}"
        );
    }
}

/// `x·p·b + x·pᵀ·c`: what scales a row of `p` scales a row of one product and a column of the other.
#[test]
fn a_matrix_and_its_transpose_are_cut_neither_way() {
    for transposes in [false, true] {
        let mut net = Net::features(1);
        net.x = net.net.input("x", known(&[6, 3, 3]));
        let (x, extents) = (net.x, net.extents(net.x));
        let shared = net.parameter("shared", &[3, 3]);
        let mut products = Vec::new();
        for own in ["b", "c"] {
            let mut order = vec![AxisSource::Whole(0), AxisSource::Whole(1)];
            if transposes && own == "c" {
                order.reverse();
            }
            let square = known(&[3, 3]).unwrap();
            let rows = net.push("order", Rule::Rearrange(order), &[shared], square);
            let product = net.push("product", Rule::Multiply, &[x, rows], extents.clone());
            let own = net.parameter(own, &[3, 3]);
            products.push(net.push("own", Rule::Multiply, &[product, own], extents.clone()));
        }
        net.x = products[0];
        net.add("sum", products[1]);
        net.norm("norm", &[0]);
        let found = net.inspect();
        let expected = match transposes {
            true => Granularity::Tensor,
            false => Granularity::Filter,
        };
        assert_eq!(find(&found, "shared").invariance, Invariance::Alone);
        assert_eq!(find(&found, "shared").granularity, Some(expected));
        assert_eq!(find(&found, "b").granularity, Some(Granularity::Filter));
    }
}

/// A depthwise convolution with two filters for each channel: what follows both of a channel's filters is cut as the
/// channels are, not as the filters.
#[test]
fn channels_with_several_filters_are_cut_by_channel() {
    let mut net = Net::features(3);
    let gains = net.parameter("gains", &[3]);
    let extents = net.extents(net.x);
    net.x = net.push("gained", Rule::Multiply, &[net.x, gains], extents);
    let filters = net.net.parameter("filters", known(&[6, 1]), false);
    let depthwise = Rule::Contract(Contract {
        output: vec![
            ContractAxis::Left(0),
            ContractAxis::Grouped {
                left: 1,
                right: 0,
                groups: 3,
            },
        ],
        left: vec![],
        right: vec![1],
    });
    net.x = net.push(
        "depthwise",
        depthwise,
        &[net.x, filters],
        vec![None, Some(6)],
    );
    net.bias("bias");
    net.map("relu", Rule::Homogeneous);
    net.norm("norm", &[0]);
    let found = net.inspect();
    let cut = |name| {
        let found = find(&found, name);
        (found.invariance, found.granularity.unwrap())
    };
    assert_eq!(cut("gains"), (Invariance::Jointly, Granularity::Filter));
    let by_channel = Granularity::Group { groups: 3 };
    assert_eq!(cut("bias"), (Invariance::Jointly, by_channel));
}

/// A vector of unknown length may have one number, which then is added to all of another.
#[test]
fn an_axis_of_unknown_length_is_not_cut() {
    for (told, expected) in [(Some(4), Granularity::Filter), (None, Granularity::Tensor)] {
        let mut net = Net::features(4);
        let gain = net.net.parameter("gain", Some(vec![told]), true);
        let extents = net.extents(net.x);
        net.x = net.push("gained", Rule::Multiply, &[net.x, gain], extents);
        net.bias("bias");
        net.map("relu", Rule::Homogeneous);
        net.norm("norm", &[0]);
        let found = net.inspect();
        for name in ["gain", "bias"] {
            let found = find(&found, name);
            let cut = (found.invariance, found.granularity);
            assert_eq!(
                cut,
                (Invariance::Jointly, Some(expected)),
                "{name} {told:?}"
            );
        }
    }
}

/// Where zeros are added to a variance, what is added to it after them is not small.
#[test]
fn beside_zeros_a_small_number_is_no_epsilon() {
    for (pads, expected) in [(false, Invariance::Alone), (true, Invariance::None)] {
        let mut net = Net::features(4);
        net.linear("weight", 4);
        net.x = net.reduced("squares", Reduction::SumOfSquares);
        if pads {
            let sources = vec![AxisSource::Whole(0), AxisSource::Padded(1)];
            let pad = Rule::Rearrange(sources);
            net.x = net.push("pad", pad, &[net.x], vec![None, Some(2)]);
        }
        let small = net.number(1e-3);
        net.add("safe", small);
        net.map("norm", root_mean_square(&[0]));
        let found = net.inspect();
        assert_eq!(find(&found, "weight").invariance, expected, "{pads}");
    }
}
