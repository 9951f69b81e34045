//! The builders' graphs against published counts, and their refusals.

use nn_graph::nets::{Architecture, NetConfig, Normaliser, Shortcut, Stem};
use nn_graph::op::MaxPool;
use nn_graph::{Affine, Bias, GraphBuilder, GraphError, Op, Shape, Training};
use proptest::prelude::*;

fn depth(graph: &nn_graph::Graph) -> usize {
    let layers = graph.nodes().iter().filter(|node| {
        matches!(node.op, Op::Conv2d(_) | Op::Linear(_)) && !node.name.ends_with("shortcut")
    });
    layers.count()
}

#[test]
fn preresnet_32_has_the_known_work_and_parameters() {
    let graph = NetConfig::new(Architecture::PreResNet, 32).build().unwrap();
    assert_eq!(graph.multiply_adds(), 69_124_736);
    assert_eq!(depth(&graph), 32);
    // 464,154 parameters of ResNet-32 in He et al.'s count, less affine and head bias, plus projections.
    let convolutions: usize = graph.parameters().iter().map(|p| p.elements()).sum();
    assert_eq!(
        convolutions,
        432 + 10 * 2304 + (4608 + 9 * 9216) + (18432 + 9 * 36864) + 512 + 2048 + 640
    );
}

#[test]
fn resnet_20_has_he_et_al_s_parameters() {
    let mut config = NetConfig::new(Architecture::ResNet, 20);
    config.affine = Affine::ScaleAndShift;
    config.head = Training::Trained;
    assert_eq!(config.build().unwrap().parameter_elements(), 269_722);
}

#[test]
fn last_norm_before_a_fixed_head_has_no_affine() {
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    config.affine = Affine::ScaleAndShift;
    let names = |config: &NetConfig| -> Vec<String> {
        config
            .build()
            .unwrap()
            .parameters()
            .iter()
            .map(|p| p.name.clone())
            .collect()
    };
    assert!(!names(&config).contains(&"norm.scale".to_owned()));
    config.head = Training::Trained;
    assert!(names(&config).contains(&"norm.scale".to_owned()));
}

#[test]
fn impossible_networks_are_refused_in_a_sentence() {
    let refusal = |edit: &dyn Fn(&mut NetConfig)| {
        let mut config = NetConfig::new(Architecture::ResNet, 20);
        edit(&mut config);
        config.build().unwrap_err().to_string()
    };
    assert!(refusal(&|c| c.depth = 21).contains("6n + 2"));
    assert!(refusal(&|c| c.depth = 2).contains("the depth of the network is 2"));
    assert!(refusal(&|c| c.width = 0).contains("width"));
    assert!(refusal(&|c| c.classes = 0).contains("features of `head`"));
    assert!(refusal(&|c| c.input = [3, 0, 32]).contains("[3, 0, 32]"));
    assert!(refusal(&|c| c.epsilon = f64::NAN).contains("epsilon"));
    for groups in [0, 3, 32] {
        let refused = refusal(&|c| c.normaliser = Normaliser::Group { groups });
        assert_eq!(
            refused,
            format!(
                "the number of groups of the network's normalisations is {groups}; \
                 it must be a divisor of its width, 16"
            )
        );
    }
    assert_eq!(
        refusal(&|c| c.stem = Stem::ConvNormReluConv),
        "the stem can be chosen only for a PreResNet"
    );
    let fully_connected = |edit: &dyn Fn(&mut NetConfig)| {
        refusal(&|c| {
            (c.architecture, c.depth) = (Architecture::FullyConnected, 3);
            edit(c);
        })
    };
    assert_eq!(
        fully_connected(&|c| c.depth = 1),
        "the depth of the network is 1; it must be between 2 and 1000, the last layer included"
    );
    assert_eq!(
        fully_connected(&|c| c.input = [3, 8, 9]),
        "a fully connected network reads square images, and these are 8×9"
    );
    for normaliser in [Normaliser::Instance, Normaliser::Group { groups: 16 }] {
        let message = fully_connected(&|c| c.normaliser = normaliser);
        assert!(message.contains("single features"), "{message}");
    }
}

#[test]
fn plain_networks_have_the_layers_of_residual_ones() {
    let mut config = NetConfig::new(Architecture::ResNet, 20);
    (config.affine, config.bias) = (Affine::ScaleAndShift, Bias::Trained);
    config.head = Training::Trained;
    let residual = config.build().unwrap();
    config.architecture = Architecture::PlainCnn;
    let plain = config.build().unwrap();
    assert_eq!(plain.parameters(), residual.parameters());
    assert_eq!(plain.multiply_adds(), residual.multiply_adds());
    assert!(!plain.nodes().iter().any(|node| node.op == Op::Add));
    config.head = Training::Fixed;
    let names = |graph: &nn_graph::Graph| {
        graph
            .parameters()
            .iter()
            .map(|p| p.name.clone())
            .collect::<Vec<_>>()
    };
    let fixed = names(&config.build().unwrap());
    let gone = [
        "stage3.block2.norm2.scale",
        "stage3.block2.norm2.shift",
        "head.bias",
    ];
    let rest: Vec<String> = names(&plain)
        .into_iter()
        .filter(|name| !gone.contains(&&name[..]))
        .collect();
    assert_eq!(fixed, rest);
}

#[test]
fn fully_connected_networks_are_linear_layers_and_normalisations() {
    let mut config = NetConfig::new(Architecture::FullyConnected, 4);
    (config.affine, config.bias) = (Affine::ScaleAndShift, Bias::Trained);
    let graph = config.build().unwrap();
    let nodes: Vec<(&str, &str, &[usize])> = graph
        .nodes()
        .iter()
        .map(|node| (&node.name[..], node.op.name(), node.shape.dims()))
        .collect();
    let features = &[16, 1, 1][..];
    assert_eq!(
        nodes[1..5],
        [
            ("layer1.linear", "conv2d", features),
            ("layer1.norm", "batch_norm", features),
            ("layer1.norm.relu", "relu", features),
            ("layer2.linear", "conv2d", features),
        ]
    );
    assert_eq!(
        nodes[9..],
        [
            ("layer3.norm.relu", "relu", features),
            ("pool", "global_average_pool", &[16]),
            ("head", "linear", &[10]),
        ]
    );
    assert_eq!(graph.multiply_adds(), 3072 * 16 + 2 * 16 * 16 + 160);
    // The last normalisation has no affine parameters.
    assert_eq!(
        graph.parameter_elements(),
        3072 * 16 + 2 * 256 + 3 * 16 + 2 * 32 + 160
    );
    assert_eq!(depth(&graph), 4);
}

#[test]
fn shortcuts_read_what_they_say() {
    let reads = |architecture, shortcut, stem, block: &str| {
        let mut config = NetConfig::new(architecture, 8);
        (config.shortcut, config.stem) = (shortcut, stem);
        let graph = config.build().unwrap();
        let name = format!("{block}.shortcut");
        let node = graph.nodes().iter().find(|node| node.name == name).unwrap();
        let [stream] = node.inputs[..] else { panic!() };
        let last = graph
            .nodes()
            .iter()
            .any(|node| node.name == format!("{name}.norm"));
        (graph.node(stream).name.clone(), last)
    };
    use Architecture::{PreResNet, ResNet};
    let name = |(name, norm): (&str, bool)| (name.to_owned(), norm);
    for (shortcut, expected) in [
        (Shortcut::Projection, "stage2.block0.norm1.relu"),
        (Shortcut::RawProjection, "stage1.block0.add"),
    ] {
        assert_eq!(
            reads(PreResNet, shortcut, Stem::Conv, "stage2.block0"),
            name((expected, false))
        );
    }
    for (shortcut, has_norm) in [
        (Shortcut::Projection, true),
        (Shortcut::RawProjection, false),
    ] {
        let expected = name(("stage1.block0.relu", has_norm));
        assert_eq!(
            reads(ResNet, shortcut, Stem::Conv, "stage2.block0"),
            expected
        );
    }
    let first = reads(
        PreResNet,
        Shortcut::ZeroPad,
        Stem::ConvProjection,
        "stage1.block0",
    );
    assert_eq!(first, name(("stage1.block0.norm1.relu", false)));
}

#[test]
fn builder_names_what_is_wrong() {
    let mut net = GraphBuilder::new(Shape::new([3, 4, 4])).unwrap();
    let x = net.relu("a", net.input()).unwrap();
    assert_eq!(
        net.relu("a", x),
        Err(GraphError::DuplicateName { name: "a".into() })
    );
    let pooled = net.global_average_pool("pool", x).unwrap();
    assert!(matches!(
        net.add("sum", x, pooled),
        Err(GraphError::UnequalShapes { .. })
    ));
    assert!(matches!(
        net.global_average_pool("again", pooled),
        Err(GraphError::InputShape { .. })
    ));
    assert!(matches!(
        net.zero_pad_shortcut("s", x, 2, 2),
        Err(GraphError::InputShape { .. })
    ));
    let refused = net.group_norm("norm", x, 2, Affine::None, 0.0).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`norm` (group_norm) cannot take an input of shape [3, 4, 4]: \
         it needs a number of channels that its 2 groups divide"
    );
    assert!(
        net.group_norm("norm", pooled, 3, Affine::None, 0.0)
            .is_err()
    );
    assert!(net.group_norm("norm", x, 3, Affine::None, -1.0).is_err());
}

#[test]
fn windows_are_counted_as_pytorch_counts_them() {
    let shape = |size, kernel, stride, padding| {
        let mut net = GraphBuilder::new(Shape::new([2, size, size + 1])).unwrap();
        let pool = MaxPool {
            kernel,
            stride,
            padding,
        };
        let x = net.max_pool("pool", net.input(), pool)?;
        Ok(net.shape(x).unwrap().dims().to_vec())
    };
    assert_eq!(shape(112, 3, 2, 1), Ok(vec![2, 56, 57]));
    assert_eq!(shape(5, 2, 2, 0), Ok(vec![2, 2, 3]));
    assert_eq!(shape(1, 3, 1, 2), Ok(vec![2, 3, 4]));
    let refusal = |size, kernel, stride, padding| -> String {
        let refused: GraphError = shape(size, kernel, stride, padding).unwrap_err();
        refused.to_string()
    };
    assert_eq!(
        refusal(2, 4, 1, 0),
        "`pool` (max_pool) cannot take an input of shape [2, 2, 3]: it needs at least 4×4 positions after padding by 0"
    );
    // Beyond that a window would hold nothing but padding.
    assert_eq!(
        refusal(4, 3, 1, 3),
        "padding of `pool` is 3; it must be less than its kernel, 3"
    );
    assert!(refusal(4, 0, 1, 0).contains("kernel of `pool` is 0"));
    assert!(refusal(4, 1, 0, 0).contains("stride of `pool` is 0"));
}

proptest! {
    #[test]
    fn every_configuration_builds_with_consistent_shapes(
        n in 1usize..4, width in 1usize..20, size in 1usize..40, classes in 1usize..20,
        pre in any::<bool>(), affine in any::<bool>(), bias in any::<bool>(),
        project in any::<bool>(), head in any::<bool>(), kind in 0..4, seed in any::<u64>(),
    ) {
        let architecture = if pre { Architecture::PreResNet } else { Architecture::ResNet };
        let mut config = NetConfig::new(architecture, 6 * n + 2);
        config.width = width;
        config.input = [3, size, size];
        config.classes = classes;
        config.normaliser = match kind {
            0 => Normaliser::Batch,
            1 => Normaliser::Layer,
            2 => Normaliser::Instance,
            // The largest divisor.
            _ => Normaliser::Group { groups: (1..=width / 2).rev().find(|g| width % g == 0).unwrap_or(1) },
        };
        config.affine = if affine { Affine::ScaleAndShift } else { Affine::None };
        config.bias = if bias { Bias::Trained } else { Bias::None };
        config.shortcut = if project { Shortcut::Projection } else { Shortcut::ZeroPad };
        config.head = if head { Training::Trained } else { Training::Fixed };
        let graph = config.build().unwrap();
        prop_assert_eq!(depth(&graph), 6 * n + 2);
        prop_assert_eq!(graph.output_shape(), &Shape::new([classes]));
        let quarter = size.div_ceil(2).div_ceil(2);
        let last = graph.nodes().iter().rev().find(|node| node.op == Op::Relu).unwrap();
        prop_assert_eq!(&last.shape, &Shape::new([4 * width, quarter, quarter]));
        for node in graph.nodes() {
            let Op::GroupNorm(norm) = &node.op else { continue };
            let channels = node.shape.channels();
            match config.normaliser {
                Normaliser::Layer => prop_assert_eq!(norm.groups, 1),
                Normaliser::Instance => prop_assert_eq!(norm.groups, channels),
                Normaliser::Group { groups } => prop_assert_eq!(norm.groups, groups),
                Normaliser::Batch => prop_assert!(false, "{}", node.name),
            }
        }
        let is_norm = |op: &Op| matches!(op, Op::BatchNorm(_) | Op::GroupNorm(_));
        let norms = graph.nodes().iter().filter(|node| is_norm(&node.op)).count();
        let running = if config.normaliser == Normaliser::Batch { norms } else { 0 };
        prop_assert_eq!(graph.batch_norms().len(), running);
        let values = graph.initial_values(seed);
        for (parameter, values) in graph.parameters().iter().zip(&values) {
            prop_assert_eq!(values.len(), parameter.elements());
        }
    }
}
