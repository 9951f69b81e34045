//! The builders' graphs against published counts, and their refusals.

use nn_graph::nets::{Architecture, NetConfig, Shortcut, Stem};
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
    assert!(refusal(&|c| c.stem = Stem::ConvNormReluConv).contains("PreResNet"));
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
}

proptest! {
    #[test]
    fn every_configuration_builds_with_consistent_shapes(
        n in 1usize..4, width in 1usize..20, size in 1usize..40, classes in 1usize..20,
        pre in any::<bool>(), affine in any::<bool>(), bias in any::<bool>(),
        project in any::<bool>(), head in any::<bool>(), seed in any::<u64>(),
    ) {
        let architecture = if pre { Architecture::PreResNet } else { Architecture::ResNet };
        let mut config = NetConfig::new(architecture, 6 * n + 2);
        config.width = width;
        config.input = [3, size, size];
        config.classes = classes;
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
        let values = graph.initial_values(seed);
        for (parameter, values) in graph.parameters().iter().zip(&values) {
            prop_assert_eq!(values.len(), parameter.elements());
        }
    }
}
