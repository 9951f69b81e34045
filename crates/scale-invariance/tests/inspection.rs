//! What is found in networks worked out by hand.

use nn_graph::nets::{Architecture, NetConfig, Stem};
use nn_graph::network::{
    AxisSource, Constant, Contract, ContractAxis, Extents, Grouped, Network, NetworkBuilder,
    Normalise, Reduce, Reduction, Rule, TensorId, Window,
};
use nn_graph::{Affine, Bias, ConvSpec, GraphBuilder, Shape, Training};
use scale_invariance::{Granularity, Inspection, Invariance, ParameterInvariance, inspect};

use Invariance::{Alone, Balanced, Jointly};

/// Features `[batch, features]` or images `[batch, channels, 8, 8]`.
struct Net {
    net: NetworkBuilder,
    x: TensorId,
}

fn known(lengths: &[usize]) -> Option<Extents> {
    Some(lengths.iter().copied().map(Some).collect())
}

impl Net {
    fn features(count: usize) -> Self {
        let mut net = NetworkBuilder::new();
        let x = net.input("x", Some(vec![None, Some(count)]));
        Self { net, x }
    }

    fn extents(&self, x: TensorId) -> Extents {
        self.net.extents(x).unwrap().clone()
    }

    fn push(&mut self, layer: &str, rule: Rule, inputs: &[TensorId], extents: Extents) -> TensorId {
        let kind = format!("{rule:?}");
        let kind = kind.split([' ', '(']).next().unwrap().to_owned();
        let result = self
            .net
            .operation(layer, &kind, rule, inputs, Some(extents));
        result.unwrap()
    }

    /// Elementwise, of one input.
    fn map(&mut self, layer: &str, rule: Rule) {
        let extents = self.extents(self.x);
        self.x = self.push(layer, rule, &[self.x], extents);
    }

    fn add(&mut self, layer: &str, other: TensorId) {
        let extents = self.extents(self.x);
        self.x = self.push(layer, Rule::Add, &[self.x, other], extents);
    }

    fn parameter(&mut self, name: &str, lengths: &[usize]) -> TensorId {
        self.net.parameter(name, known(lengths), true)
    }

    /// `x Wᵀ`, with `W` of the layer's name.
    fn linear(&mut self, layer: &str, out: usize) {
        let mut extents = self.extents(self.x);
        let last = extents.len() - 1;
        let weight = self.parameter(layer, &[out, extents[last].unwrap()]);
        extents[last] = Some(out);
        let mut output: Vec<ContractAxis> = (0..last).map(ContractAxis::Left).collect();
        output.push(ContractAxis::Right(0));
        let contract = Contract {
            output,
            left: vec![last],
            right: vec![1],
        };
        self.x = self.push(layer, Rule::Contract(contract), &[self.x, weight], extents);
    }

    fn bias(&mut self, name: &str) {
        let last = self.extents(self.x).last().copied().flatten().unwrap();
        let bias = self.parameter(name, &[last]);
        self.add(name, bias);
    }

    fn norm(&mut self, layer: &str, axes: &[usize]) {
        let normalise = Normalise {
            axes: axes.to_vec(),
            grouped: None,
            centres: true,
        };
        self.map(layer, Rule::Normalise(normalise));
    }

    fn inspect(self) -> Inspection {
        inspect(&self.net.finish(vec![self.x]).unwrap())
    }
}

fn find<'a>(found: &'a Inspection, name: &str) -> &'a ParameterInvariance {
    let mut parameters = found.parameters.iter();
    parameters.find(|parameter| parameter.name == name).unwrap()
}

fn invariances(found: &Inspection) -> Vec<Invariance> {
    let parameters = found.parameters.iter();
    parameters.map(|parameter| parameter.invariance).collect()
}

#[test]
fn a_chain_of_relu_layers_is_balanced_and_a_norm_cuts_it() {
    let mut net = Net::features(4);
    for layer in ["a", "b", "c"] {
        net.linear(layer, 4);
        net.map("relu", Rule::Homogeneous);
    }
    let found = net.inspect();
    assert_eq!(invariances(&found), [Balanced; 3]);
    assert_eq!(found.dimension, 2);
    assert!(!found.scale_invariant);

    let mut net = Net::features(4);
    net.linear("a", 4);
    net.map("relu", Rule::Homogeneous);
    net.linear("b", 4);
    net.norm("norm", &[0]);
    let found = net.inspect();
    assert_eq!(invariances(&found), [Alone; 2]);
    assert!(found.scale_invariant && found.paper_rules.is_ok());
    assert_eq!(find(&found, "b").granularity, Some(Granularity::Filter));
    assert_eq!(find(&found, "a").granularity, Some(Granularity::Tensor));
}

#[test]
fn what_breaks_is_named() {
    let mut net = Net::features(4);
    net.linear("first", 4);
    net.map("act", Rule::Nonlinear);
    net.linear("second", 4);
    net.norm("norm", &[0]);
    net.linear("head", 3);
    net.bias("head.bias");
    let found = net.inspect();
    let none = Invariance::None;
    assert_eq!(invariances(&found), [none, Alone, none, none]);
    let reason = |name| find(&found, name).reason.clone().unwrap();
    assert_eq!(
        reason("first"),
        "`first` sets the size of what `act` reads, and Nonlinear is not homogeneous"
    );
    for name in ["head", "head.bias"] {
        assert_eq!(
            reason(name),
            format!(
                "`{name}` sets the size of the network's result `head.bias`, and no normalisation follows it"
            )
        );
    }
    assert!(
        found
            .paper_rules
            .unwrap_err()
            .to_string()
            .starts_with("`act` (Nonlinear) reads")
    );
}

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

#[test]
fn the_papers_networks() {
    // Affine parameters that the paper's rules refuse for their common exponent have other ones.
    let mut config = NetConfig::new(Architecture::PreResNet, 8);
    config.affine = Affine::ScaleAndShift;
    let found = inspect(&Network::from(&config.build().unwrap()));
    assert!(!found.scale_invariant && found.paper_rules.is_err());
    let stem = find(&found, "stem.conv1.weight");
    assert_eq!(stem.invariance, Jointly);
    config.stem = Stem::ConvNormReluConv;
    let found = inspect(&Network::from(&config.build().unwrap()));
    assert!(found.scale_invariant && found.paper_rules.is_ok());
    // The paper's rules do not know that BN cancels the bias of a convolution of degree 2.
    config.bias = Bias::Trained;
    let found = inspect(&Network::from(&config.build().unwrap()));
    assert!(found.paper_rules.is_err());
    config.head = Training::Trained;
    let found = inspect(&Network::from(&config.build().unwrap()));
    assert_eq!(find(&found, "head.weight").invariance, Balanced);
    assert_eq!(find(&found, "head.bias").invariance, Invariance::None);
}

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
