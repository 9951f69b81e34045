//! One family of operators after the other.

use nn_graph::network::{
    AxisSource, Constant, ContractAxis, Grouped, Operation, Reduction, Rule, Source,
};

use crate::fixture::{contract, import, layer, rules, sources, window};

#[test]
fn convolutions() {
    let net = import("convolution_22").network;
    let [conv, spread, add] = rules(&net, "conv_1")[..] else {
        panic!("a convolution and its bias");
    };
    let output = [
        ContractAxis::Left(0),
        ContractAxis::Right(0),
        window(2, false),
        window(3, false),
    ];
    assert_eq!(contract(conv), (&output[..], &[1][..], &[1, 2, 3][..]));
    use AxisSource::{New, Whole};
    assert_eq!(sources(spread), [New, Whole(0), New, New]);
    assert_eq!(*add, Rule::Add);
    // Without padding, and with a stride.
    let output = [
        ContractAxis::Left(0),
        ContractAxis::Right(0),
        window(2, true),
        window(3, true),
    ];
    assert_eq!(contract(rules(&net, "conv_2")[0]).0, output);
    // In groups, with a padding of 2; in groups, with a kernel of 1.
    for (name, groups, keeps) in [("conv_6", 4, false), ("conv_7", 2, true)] {
        let grouped = ContractAxis::Grouped {
            left: 1,
            right: 0,
            groups,
        };
        let output = [
            ContractAxis::Left(0),
            grouped,
            window(2, keeps),
            window(3, keeps),
        ];
        assert_eq!(
            contract(rules(&net, name)[0]),
            (&output[..], &[][..], &[1, 2, 3][..])
        );
    }
    let up = contract(rules(&net, "convtranspose_9")[0]);
    assert_eq!(
        (up.0[1], up.1, up.2),
        (ContractAxis::Right(1), &[1][..], &[0, 2, 3][..])
    );
    let [turned, up] = rules(&net, "convtranspose_10")[..] else {
        panic!("weights turned, then a convolution");
    };
    use AxisSource::{Inner, Mixed};
    assert_eq!(
        sources(turned),
        [Mixed(vec![0, 1]), Inner(0), Whole(2), Whole(3)]
    );
    assert!(matches!(
        contract(up).0[1],
        ContractAxis::Grouped { groups: 2, .. }
    ));
}

#[test]
fn products() {
    let net = import("products_13").network;
    use ContractAxis::{Both, Left, Right};
    let both = |axis| Both {
        left: axis,
        right: axis,
    };
    type Case<'a> = (&'a str, &'a [ContractAxis], &'a [usize], &'a [usize]);
    let cases: [Case; 9] = [
        ("matmul_1", &[Left(0), Left(1), Right(1)], &[2], &[0]),
        (
            "matmul_2",
            &[both(0), both(1), Left(2), Right(3)],
            &[3],
            &[2],
        ),
        ("matmul_6", &[Right(1)], &[0], &[0]),
        ("matmul_7", &[Left(0)], &[1], &[0]),
        ("matmul_8", &[], &[0], &[0]),
        // [3, 1, 4, 8] and [7, 8, 2]: the second axis of the left repeats.
        (
            "matmul_9",
            &[Left(0), Right(0), Left(2), Right(2)],
            &[3, 1],
            &[1],
        ),
        ("gemm_10", &[Left(0), Right(0)], &[1], &[1]),
        ("gemm_12", &[Left(1), Right(1)], &[0], &[0]),
        (
            "einsum_13",
            &[both(0), both(1), Left(2), Right(3)],
            &[3],
            &[2],
        ),
    ];
    for (name, output, left, right) in cases {
        let found: Vec<_> = rules(&net, name);
        assert_eq!(contract(found[0]), (output, left, right), "{name}");
    }
    let [sum, turn] = rules(&net, "einsum_15")[..] else {
        panic!("a sum over nothing, and another order");
    };
    assert!(
        matches!(sum, Rule::Reduce(reduce) if reduce.by == Reduction::Sum && reduce.axes.is_empty())
    );
    use AxisSource::Whole;
    assert_eq!(sources(turn), [Whole(2), Whole(1), Whole(0)]);
}

#[test]
fn normalisations() {
    let net = import("normalisation_21").network;
    let normalise = |name: &str| match rules(&net, name)[0] {
        Rule::Normalise(normalise) => normalise.clone(),
        other => panic!("{other:?}"),
    };
    let names: Vec<String> = net
        .operations()
        .iter()
        .map(|operation| operation.layer.clone())
        .collect();
    let find = |start: &str| {
        let name = names.iter().find(|name| name.starts_with(start));
        name.unwrap_or_else(|| panic!("no {start} in {names:?}"))
            .clone()
    };
    let batch = normalise(&find("batch"));
    assert_eq!(
        (batch.axes, batch.grouped, batch.centres),
        (vec![0, 2, 3], None, true)
    );
    let instance = normalise(&find("instance"));
    assert_eq!((instance.axes, instance.grouped), (vec![2, 3], None));
    let group = normalise(&find("group"));
    let grouped = Grouped { axis: 1, groups: 2 };
    assert_eq!((group.axes, group.grouped), (vec![2, 3], Some(grouped)));
    let layer_norm = normalise(&find("layer"));
    assert_eq!((layer_norm.axes, layer_norm.centres), (vec![3], true));
    // Running statistics are no part of it, and are no parameters; whatever the numbers, scale and shift are.
    let kinds = rules(&net, &find("batch"));
    assert!(matches!(
        kinds[..],
        [
            Rule::Normalise(_),
            Rule::Rearrange(_),
            Rule::Multiply,
            Rule::Rearrange(_),
            Rule::Add
        ]
    ));
    let parameters: Vec<&str> = net
        .parameters()
        .map(|id| net.tensor(id).name.as_str())
        .collect();
    assert!(parameters.contains(&"bn.weight") && parameters.contains(&"bn.bias"));
    assert!(
        !parameters.iter().any(|name| name.contains("running")),
        "{parameters:?}"
    );
    let net = import("normalisation_23").network;
    let rms = layer(&net, "rmsnormalization_8");
    assert!(matches!(&rms[0].rule, Rule::Normalise(rms) if !rms.centres && rms.axes == [3]));
}

#[test]
fn a_scale_for_each_group_is_spread_over_its_channels() {
    let net = import("group_normalisation_18").network;
    let found = rules(&net, "groupnormalization_1");
    assert_eq!(sources(found[1]), [AxisSource::Mixed(vec![0])]);
    assert_eq!(found.len(), 7);
}

#[test]
fn pooling() {
    let net = import("pooling_11").network;
    let window = |name| match rules(&net, name)[0] {
        Rule::Window(window) => (window.keeps_constants, window.linear),
        other => panic!("{other:?}"),
    };
    // Of the largest, with padding; of means, without counting the padding, and counting it.
    assert_eq!(window("maxpool_2"), (true, false));
    assert_eq!(window("averagepool_8"), (true, true));
    assert_eq!(window("averagepool_14"), (false, true));
    let two: Vec<_> = rules(&net, "maxpool_15");
    assert_eq!(two[0], &Rule::Insensitive);
    assert!(matches!(two[1], Rule::Window(_)));
    assert!(
        matches!(rules(&net, "globalaveragepool_16")[0], Rule::Reduce(r) if r.by == Reduction::Mean && r.keeps_axes)
    );
    assert!(
        matches!(rules(&net, "globalmaxpool_17")[0], Rule::Reduce(r) if r.by == Reduction::Homogeneous)
    );
}

#[test]
fn bounds_at_zero_scale_and_others_are_inputs() {
    for file in ["elementwise_9", "elementwise_13"] {
        let net = import(file).network;
        let clips: Vec<&Operation> = net
            .operations()
            .iter()
            .filter(|operation| operation.kind == "Clip")
            .collect();
        assert!(clips.iter().all(|clip| clip.rule == Rule::Homogeneous));
        let bounds = |clip: &Operation| -> Vec<Source> {
            clip.inputs[1..]
                .iter()
                .map(|&id| net.tensor(id).source.clone())
                .collect()
        };
        let constant = |number| Source::Constant(Constant::Uniform(number));
        // From above no number is small.
        assert_eq!(bounds(clips[0]), [Source::Constant(Constant::Other)]);
        match file {
            "elementwise_9" => assert_eq!(bounds(clips[1]), []),
            _ => assert_eq!(bounds(clips[2]), [constant(f64::from(1e-12f32))]),
        }
    }
}

#[test]
fn elementwise() {
    let net = import("elementwise_18").network;
    let of = |kind: &str| -> Vec<&Rule> {
        let operations = net.operations().iter();
        operations
            .filter(|operation| operation.kind == kind)
            .map(|operation| &operation.rule)
            .collect()
    };
    assert_eq!(of("PRelu"), [&Rule::Gate]);
    let slope = net
        .operations()
        .iter()
        .find(|operation| operation.kind == "PRelu")
        .unwrap();
    assert_eq!(net.tensor(slope.inputs[0]).name, "slope");
    assert_eq!(of("Where"), [&Rule::Gate]);
    assert_eq!(of("Less"), [&Rule::Subtract, &Rule::Insensitive]);
    let power = |numerator, denominator| Rule::Power {
        numerator,
        denominator,
    };
    assert_eq!(of("Pow"), [&power(2, 1), &power(1, 2), &Rule::Nonlinear]);
    assert_eq!(of("Reciprocal"), [&power(-1, 1)]);
    assert_eq!(of("Cast"), [&Rule::Copy, &Rule::Nonlinear, &Rule::Copy]);
    assert_eq!(of("Dropout"), [&Rule::Insensitive, &Rule::Multiply]);
    assert_eq!(of("Softmax")[0], &Rule::Softmax { axis: 2 });
    assert_eq!(
        of("LogSoftmax")[..2],
        [&Rule::Softmax { axis: 2 }, &Rule::Nonlinear]
    );
    assert_eq!(of("Hardmax")[0], &Rule::Insensitive);
    assert_eq!(of("Sum"), [&Rule::Add, &Rule::Add, &Rule::Linear]);
    assert_eq!(of("Identity"), [] as [&Rule; 0]);
}

/// Before version 13, softmax is taken over all axes from one on, as one.
#[test]
fn softmax_over_several_axes() {
    let net = import("elementwise_11").network;
    let softmaxes = net
        .operations()
        .iter()
        .filter(|operation| operation.kind == "Softmax");
    let names: Vec<&str> = softmaxes
        .map(|operation| operation.layer.as_str())
        .collect();
    use AxisSource::{Inner, Merged, Outer, Whole};
    // The first says so; of the last it is the default.
    for name in [names[0], names[names.len() - 1]] {
        let found = rules(&net, name);
        assert_eq!(sources(found[0]), [Whole(0), Merged(vec![1, 2])]);
        assert_eq!(found[1], &Rule::Softmax { axis: 1 });
        assert_eq!(sources(found[2]), [Whole(0), Outer(1), Inner(1)]);
    }
}

#[test]
fn rearrangements() {
    let net = import("rearrangement_18").network;
    use AxisSource::{Inner, Merged, Mixed, New, Outer, Padded, Part, Whole};
    let cases: [(&str, &[AxisSource]); 15] = [
        ("transpose_2", &[Whole(1), Whole(0), Whole(2)]),
        ("reshape_3", &[Whole(0), Merged(vec![1, 2])]),
        ("reshape_4", &[Whole(0), Outer(1), Inner(1), Whole(2)]),
        ("reshape_6", &[Merged(vec![0, 1]), Whole(2)]),
        ("reshape_8", &[Whole(0), Whole(1), Outer(2), Inner(2)]),
        ("reshape_9", &[Whole(0), Mixed(vec![1, 2]), Inner(2)]),
        ("flatten_12", &[Whole(0), Merged(vec![1, 2])]),
        ("unsqueeze_15", &[New, Whole(0), Whole(1), Whole(2), New]),
        ("squeeze_16", &[Whole(1), Whole(2), Whole(3)]),
        ("expand_19", &[Whole(0), Whole(1), Whole(2)]),
        ("tile_20", &[Whole(0), Part(1), Whole(2)]),
        ("slice_29", &[Whole(0), Part(1), Part(2)]),
        ("slice_30", &[Whole(0), Whole(1), Whole(2)]),
        ("pad_39", &[Whole(0), Whole(1), Padded(2)]),
        ("pad_40", &[Whole(0), Part(1), Part(2)]),
    ];
    for (name, expected) in cases {
        let found = rules(&net, name);
        assert_eq!(
            found.len(),
            1,
            "{name}: {:?}",
            net.operations()
                .iter()
                .map(|o| &o.layer)
                .collect::<Vec<_>>()
        );
        assert_eq!(sources(found[0]), expected, "{name}");
    }
}

/// Three positions scaled by 1.2 are three others; a reduction of single numbers still squares them; a dropout is a
/// random mask, unless it drops nothing.
#[test]
fn what_leaves_its_input_alone_and_what_does_not() {
    let imported = import("as_it_seems_not_18");
    let net = &imported.network;
    let [Rule::Window(window)] = rules(net, "resize_2")[..] else {
        panic!("{:?}", rules(net, "resize_2"))
    };
    assert_eq!(window.axes, [1]);
    let square = Rule::Power {
        numerator: 2,
        denominator: 1,
    };
    assert_eq!(rules(net, "reducesumsquare_3"), [&square]);
    assert!(rules(net, "reducesum_4").is_empty(), "it is its input");
    assert_eq!(rules(net, "dropout_5"), [&Rule::Copy]);
    assert_eq!(rules(net, "dropout_6"), [&Rule::Multiply]);
}
