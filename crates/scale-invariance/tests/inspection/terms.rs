//! Terms that something further on cancels.

use nn_graph::network::{Contract, ContractAxis, Grouped, Network, Normalise, Rule, Window};
use nn_graph::{Affine, Bias, ConvSpec, GraphBuilder, Shape};
use scale_invariance::{Invariance, inspect};

use crate::net::{Net, find, known};
use Invariance::{Alone, Balanced, Jointly};

/// BN cancels a bias, LN does not; through a ReLU neither does.
#[test]
fn a_bias_before_a_normalisation() {
    for (axes, relu, expected) in [
        (vec![0], false, Alone),
        (vec![1], false, Jointly),
        (vec![0], true, Jointly),
    ] {
        let mut net = Net::features(4);
        net.linear("weight", 4);
        net.bias("bias");
        if relu {
            net.map("relu", Rule::Homogeneous);
        }
        net.norm("norm", &axes);
        let found = net.inspect();
        assert_eq!(find(&found, "bias").invariance, expected, "{axes:?} {relu}");
        assert!(found.scale_invariant);
    }
}

/// What a batch normalisation cancels it also cancels behind an addition, a pooling and a convolution that keep
/// it the same at all positions; not behind zeros at the edge.
#[test]
fn a_bias_that_is_cancelled_further_on() {
    let conv = |padding, bias| ConvSpec {
        channels: 2,
        kernel: 3,
        stride: 1,
        padding,
        bias,
    };
    for (padding, expected) in [(0, Alone), (1, Jointly)] {
        let mut net = GraphBuilder::new(Shape::new([2, 9, 9])).unwrap();
        let x = net
            .conv2d("a", net.input(), conv(1, Bias::Trained))
            .unwrap();
        let y = net.conv2d("b", net.input(), conv(1, Bias::None)).unwrap();
        let x = net.add("sum", x, y).unwrap();
        let x = net.conv2d("c", x, conv(padding, Bias::None)).unwrap();
        let x = net.batch_norm("norm", x, Affine::None, 0.0).unwrap();
        let found = inspect(&Network::from(&net.finish(x).unwrap()));
        assert_eq!(find(&found, "a.bias").invariance, expected, "{padding}");
        assert_eq!(
            find(&found, "a.weight").group,
            find(&found, "b.weight").group
        );
    }
    for (linear, keeps_constants, expected) in [
        (false, true, Alone),
        (true, true, Alone),
        (true, false, Invariance::None),
        (false, false, Invariance::None),
    ] {
        let mut net = Net::features(4);
        let images = vec![None, Some(4), Some(8), Some(8)];
        net.x = net.net.input("images", Some(images));
        let bias = net.parameter("bias", &[1, 4, 1, 1]);
        net.add("sum", bias);
        net.map(
            "pool",
            Rule::Window(Window {
                axes: vec![2, 3],
                keeps_constants,
                linear,
            }),
        );
        net.norm("norm", &[0, 2, 3]);
        let found = net.inspect();
        assert_eq!(
            find(&found, "bias").invariance,
            expected,
            "{linear} {keeps_constants}"
        );
    }
}

/// The bias of the keys adds the same to all scores of a query: a softmax does not see it.
#[test]
fn attention() {
    let mut net = Net::features(4);
    net.x = net.net.input("tokens", known(&[2, 6, 4]));
    let tokens = net.x;
    let mut projected = Vec::new();
    for name in ["q", "k", "v"] {
        net.x = tokens;
        net.linear(name, 4);
        net.bias(&format!("{name}.bias"));
        projected.push(net.x);
    }
    let scores = Contract {
        output: vec![
            ContractAxis::Both { left: 0, right: 0 },
            ContractAxis::Left(1),
            ContractAxis::Right(1),
        ],
        left: vec![2],
        right: vec![2],
    };
    let square = vec![Some(2), Some(6), Some(6)];
    net.x = net.push(
        "scores",
        Rule::Contract(scores),
        &projected[..2],
        square.clone(),
    );
    net.map("softmax", Rule::Softmax { axis: 2 });
    let mixed = Contract {
        output: vec![
            ContractAxis::Both { left: 0, right: 0 },
            ContractAxis::Left(1),
            ContractAxis::Right(2),
        ],
        left: vec![2],
        right: vec![1],
    };
    let value = projected[2];
    let extents = vec![Some(2), Some(6), Some(4)];
    net.x = net.push("mixed", Rule::Contract(mixed), &[net.x, value], extents);
    net.linear("o", 4);
    net.norm("norm", &[2]);
    let found = net.inspect();
    assert_eq!(find(&found, "k.bias").invariance, Alone);
    assert_eq!(find(&found, "o").invariance, Alone);
    assert_eq!(find(&found, "v").invariance, Jointly);
    assert_eq!(find(&found, "v").group, find(&found, "v.bias").group);
    assert_eq!(find(&found, "q").invariance, Balanced);
    assert_eq!(find(&found, "q").group, find(&found, "k").group);
    assert_eq!(find(&found, "q").group, find(&found, "q.bias").group);
}

/// Group normalisation with a group for each channel is instance normalisation, which cancels a bias for each channel.
#[test]
fn a_group_for_each_channel_cancels_what_is_constant_over_it() {
    for (groups, expected) in [(1, Jointly), (2, Jointly), (4, Alone)] {
        let mut net = Net::features(4);
        net.x = net.net.input("images", known(&[3, 4, 5]));
        let extents = net.extents(net.x);
        let gains = net.parameter("gains", &[4, 1]);
        net.x = net.push("gained", Rule::Multiply, &[net.x, gains], extents);
        let bias = net.parameter("bias", &[4, 1]);
        net.add("sum", bias);
        let normalise = Normalise {
            axes: vec![2],
            grouped: Some(Grouped { axis: 1, groups }),
            centres: true,
        };
        net.map("norm", Rule::Normalise(normalise));
        let found = net.inspect();
        assert_eq!(find(&found, "bias").invariance, expected, "{groups}");
    }
}
