//! How finely a parameter may be cut, and normalisations written out.

use std::collections::BTreeSet;

use nn_graph::network::{AxisSource, Constant, Grouped, Normalise, Reduce, Reduction, Rule};
use scale_invariance::Invariance::{Alone, Jointly};
use scale_invariance::{Granularity, Invariance, inspect};

use crate::net::{Net, find, invariances};

/// Layer normalisation as exporters write it out, with its `ε`.
#[test]
fn a_normalisation_in_pieces() {
    let mut net = Net::features(4);
    net.linear("weight", 4);
    net.bias("bias");
    let x = net.x;
    let mean = Rule::Reduce(Reduce {
        axes: vec![1],
        keeps_axes: true,
        by: Reduction::Mean,
    });
    let column = vec![None, Some(1)];
    let of_x = net.push("mean", mean.clone(), &[x], column.clone());
    let row = net.extents(x);
    let centred = net.push("centred", Rule::Subtract, &[x, of_x], row.clone());
    let two = Rule::Power {
        numerator: 2,
        denominator: 1,
    };
    let squares = net.push("squares", two, &[centred], row.clone());
    let variance = net.push("variance", mean, &[squares], column.clone());
    let epsilon = net
        .net
        .constant("epsilon", Some(vec![]), Constant::Uniform(1e-5));
    let safe = net.push("safe", Rule::Add, &[variance, epsilon], column.clone());
    let half = Rule::Power {
        numerator: 1,
        denominator: 2,
    };
    let deviation = net.push("deviation", half, &[safe], column);
    net.x = net.push("divided", Rule::Divide, &[centred, deviation], row);
    let found = net.inspect();
    assert_eq!(invariances(&found), [Jointly; 2]);
    assert_eq!(find(&found, "weight").degree.unwrap().to_string(), "1");
    assert_eq!(
        find(&found, "weight").granularity,
        Some(Granularity::Tensor)
    );
}

/// `[N, C, H, W] → [N, G, C/G·H·W]`, normalised, and back: as PyTorch's exporter writes group normalisation.
#[test]
fn group_normalisation_cuts_into_groups() {
    let mut written = Net::features(4);
    written.linear("weight", 8);
    let images = vec![None, Some(8)];
    let split = vec![
        AxisSource::Whole(0),
        AxisSource::Outer(1),
        AxisSource::Inner(1),
    ];
    let groups = vec![None, Some(2), Some(4)];
    written.x = written.push("split", Rule::Rearrange(split), &[written.x], groups);
    written.norm("norm", &[2]);
    let merged = vec![AxisSource::Whole(0), AxisSource::Merged(vec![1, 2])];
    written.x = written.push("merge", Rule::Rearrange(merged), &[written.x], images);

    let mut whole = Net::features(4);
    whole.linear("weight", 8);
    let normalise = Normalise {
        axes: vec![],
        grouped: Some(Grouped { axis: 1, groups: 2 }),
        centres: true,
    };
    whole.map("norm", Rule::Normalise(normalise));
    for net in [written, whole] {
        let found = net.inspect();
        assert_eq!(
            find(&found, "weight").granularity,
            Some(Granularity::Group { groups: 2 })
        );
    }
}

/// Six factors make a degree too long to be written out: what it stands for is scaled as a whole, since the layer
/// behind it mixes all positions.
#[test]
fn a_long_product_is_mixed_by_the_layer_behind_it() {
    for factors in [1, 6] {
        let mut net = Net::features(4);
        let names: Vec<String> = (0..factors).map(|factor| format!("f{factor}")).collect();
        for name in &names {
            let factor = net.parameter(name, &[4]);
            let extents = net.extents(net.x);
            net.x = net.push(name, Rule::Multiply, &[net.x, factor], extents);
        }
        let one = net.parameter("last", &[1]);
        let extents = net.extents(net.x);
        net.x = net.push("last", Rule::Multiply, &[net.x, one], extents);
        net.linear("mixing", 4);
        net.norm("norm", &[0]);
        // A network may have no result at all.
        let nothing = inspect(&net.net.clone().finish(vec![]).unwrap());
        assert!(nothing.scale_invariant);
        let found = net.inspect();
        for name in &names {
            let factor = find(&found, name);
            assert_eq!(factor.invariance, Alone);
            assert_eq!(
                factor.granularity,
                Some(Granularity::Tensor),
                "{factors} {name}"
            );
        }
    }
}

/// What a normalisation reads channel by channel was put together from layers that each scale by themselves, filter by
/// filter; also behind a ReLU, and when it is put together in turns. A linear layer mixes them, with the data too.
#[test]
fn what_is_put_together_is_normalised_part_by_part() {
    for mixes in [false, true] {
        let mut net = Net::features(4);
        let mut parts = net.x;
        for (layer, width) in [("first", 3), ("second", 2), ("third", 4)] {
            net.linear(layer, width);
            net.bias(&format!("{layer}.bias"));
            net.map("relu", Rule::Homogeneous);
            let width = net.extents(parts)[1].unwrap() + width;
            let (rule, extents) = (Rule::Concat { axis: 1 }, vec![None, Some(width)]);
            parts = net.push("concat", rule, &[net.x, parts], extents);
            net.x = parts;
            net.map("relu", Rule::Homogeneous);
            if mixes {
                net.linear(&format!("{layer}.mixing"), 4);
            }
            net.norm("norm", &[0]);
        }
        let found = net.inspect();
        let mut groups = BTreeSet::new();
        for layer in ["first", "second", "third"] {
            let weight = find(&found, layer);
            let bias = find(&found, &format!("{layer}.bias"));
            let (invariance, cut) = match mixes {
                false => (Jointly, Some(Granularity::Filter)),
                true => (Invariance::None, None),
            };
            for found in [weight, bias] {
                let told = (found.invariance, found.granularity);
                assert_eq!(told, (invariance, cut), "{layer} {mixes}");
            }
            assert_eq!(weight.group, bias.group);
            groups.extend(weight.group);
            if let Some(reason) = &weight.reason {
                let expected = format!(
                    "`concat` (Concat) joins what `{layer}` scales with something that does not scale alike"
                );
                assert_eq!(reason, &expected);
            }
        }
        assert_eq!(groups.len(), if mixes { 0 } else { 3 });
    }
}
