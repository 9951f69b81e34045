//! The table of the paper's appendix, with what its rules do not know: which networks are scale-invariant in all their
//! trained parameters, under a fixed last layer.

use nn_graph::nets::{Architecture, NetConfig, Normaliser, Stem};
use nn_graph::network::Network;
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, NodeId, Shape, Training};
use scale_invariance::inspect;

const NORMALISERS: [Normaliser; 4] = [
    Normaliser::Batch,
    Normaliser::Group { groups: 2 },
    Normaliser::Layer,
    Normaliser::Instance,
];

/// What the paper's rules say, and what is the case.
fn answers(graph: &Graph) -> (bool, bool) {
    let found = inspect(&Network::from(graph));
    (found.paper_rules.is_ok(), found.scale_invariant)
}

/// Whether a normaliser subtracts what is constant over a channel.
fn cancels_biases(normaliser: Normaliser) -> bool {
    matches!(normaliser, Normaliser::Batch | Normaliser::Instance)
}

fn norm(
    net: &mut GraphBuilder,
    normaliser: Normaliser,
    name: &str,
    x: NodeId,
    affine: Affine,
) -> NodeId {
    let channels = net.shape(x).unwrap().channels();
    let groups = match normaliser {
        Normaliser::Batch => return net.batch_norm(name, x, affine, 0.0).unwrap(),
        Normaliser::Group { groups } => groups,
        Normaliser::Layer => 1,
        Normaliser::Instance => channels,
    };
    net.group_norm(name, x, groups, affine, 0.0).unwrap()
}

/// Three times convolution, normalisation and ReLU, then a fixed linear layer; `affine` of all normalisations but the
/// last. With kernels of one position on images of one the layers are fully connected.
fn plain(
    (size, kernel): (usize, usize),
    normaliser: Normaliser,
    bias: Bias,
    affine: Affine,
    last: Affine,
) -> Graph {
    let mut net = GraphBuilder::new(Shape::new([4, size, size])).unwrap();
    let mut x = net.input();
    for layer in 0..3 {
        let spec = ConvSpec {
            channels: 4,
            kernel,
            stride: 1,
            padding: kernel / 2,
            bias,
        };
        x = net.conv2d(&format!("conv{layer}"), x, spec).unwrap();
        let affine = if layer == 2 { last } else { affine };
        x = norm(&mut net, normaliser, &format!("norm{layer}"), x, affine);
        x = net.relu(&format!("relu{layer}"), x).unwrap();
    }
    let x = net.global_average_pool("pool", x).unwrap();
    let head = net.linear("head", x, 2, Bias::None, Training::Fixed);
    net.finish(head.unwrap()).unwrap()
}

const AFFINE: Affine = Affine::ScaleAndShift;

#[test]
fn plain_and_fully_connected_networks() {
    for shape in [(6, 3), (1, 1)] {
        for normaliser in NORMALISERS {
            // One number has no variance.
            if shape.0 == 1 && normaliser == Normaliser::Instance {
                continue;
            }
            let of = |bias, affine, last| answers(&plain(shape, normaliser, bias, affine, last));
            let told = format!("{normaliser:?} {shape:?}");
            assert_eq!(
                of(Bias::None, Affine::None, Affine::None),
                (true, true),
                "{told}"
            );
            assert_eq!(
                of(Bias::Trained, Affine::None, Affine::None),
                (true, true),
                "{told}"
            );
            assert_eq!(of(Bias::None, AFFINE, Affine::None), (true, true), "{told}");
            // A convolution behind an affine has degree 2, its bias 1: only where the bias has no effect is it no matter.
            let cancels = cancels_biases(normaliser);
            assert_eq!(
                of(Bias::Trained, AFFINE, Affine::None),
                (false, cancels),
                "{told}"
            );
            assert_eq!(of(Bias::None, AFFINE, AFFINE), (false, false), "{told}");
            assert_eq!(
                of(Bias::None, Affine::None, AFFINE),
                (false, false),
                "{told}"
            );
        }
    }
}

#[test]
fn residual_networks() {
    for normaliser in NORMALISERS {
        let of = |architecture, bias, affine, stem| {
            let mut config = NetConfig::new(architecture, 8);
            (config.width, config.normaliser) = (4, normaliser);
            (config.bias, config.affine, config.stem) = (bias, affine, stem);
            answers(&config.build().unwrap())
        };
        let told = format!("{normaliser:?}");
        let pre = |bias, affine, stem| of(Architecture::PreResNet, bias, affine, stem);
        let plain = |bias, affine| of(Architecture::ResNet, bias, affine, Stem::Conv);
        for bias in [Bias::None, Bias::Trained] {
            assert_eq!(plain(bias, Affine::None), (true, true), "{told}");
            // The last normalisation has an affine, too.
            assert_eq!(plain(bias, AFFINE), (false, false), "{told}");
            assert_eq!(pre(bias, Affine::None, Stem::Conv), (true, true), "{told}");
            // The start of the stream has degree 1, its branches 2.
            assert_eq!(pre(bias, AFFINE, Stem::Conv), (false, false), "{told}");
        }
        let longer = |bias| pre(bias, AFFINE, Stem::ConvNormReluConv);
        assert_eq!(longer(Bias::None), (true, true), "{told}");
        let cancels = cancels_biases(normaliser);
        assert_eq!(longer(Bias::Trained), (false, cancels), "{told}");
    }
}
