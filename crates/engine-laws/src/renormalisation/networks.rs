//! Networks of which something may be scaled.

use nn_engine::{EngineOptions, Optimiser, Symmetry};
use nn_graph::nets::{Architecture, NetConfig, Normaliser, Stem};
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, Shape, Training};
use proptest::prelude::*;
use scale_invariance::analyse;

use super::run::BATCH;

pub(super) const INPUT: [usize; 3] = [3, 7, 6];

/// A network with its scaling.
#[derive(Clone, Debug)]
pub(super) struct Net {
    pub(super) graph: Graph,
    pub(super) symmetry: Symmetry,
}

impl Net {
    /// If there is something to scale.
    pub(super) fn new(graph: Graph) -> Option<Self> {
        let analysis = analyse(&graph);
        let convertible = analysis.is_convertible();
        let symmetry = analysis.symmetry;
        convertible.then_some(Self { graph, symmetry })
    }

    pub(super) fn options(&self, optimiser: Optimiser, replicas: usize) -> EngineOptions {
        EngineOptions {
            symmetry: self.symmetry.clone(),
            optimiser,
            replicas,
            ..EngineOptions::new(&self.graph, BATCH)
        }
    }
}

/// Convolutions one after the other, each normalised; the second is of the kind that Winograd's method takes.
pub(super) fn chain(normaliser: Normaliser, affine: Affine, epsilon: f64) -> Option<Net> {
    let mut net = GraphBuilder::new(Shape::new(INPUT)).unwrap();
    let mut x = net.input();
    for (index, (channels, stride)) in [(8, 1), (10, 1), (6, 2)].into_iter().enumerate() {
        let spec = ConvSpec {
            channels,
            kernel: 3,
            stride,
            padding: 1,
            bias: Bias::None,
        };
        x = net.conv2d(&format!("conv{index}"), x, spec).unwrap();
        // The last has no affine: the head is fixed.
        let affine = if index < 2 { affine } else { Affine::None };
        let name = format!("norm{index}");
        let groups = match normaliser {
            Normaliser::Batch => None,
            Normaliser::Group { groups } => Some(groups),
            Normaliser::Layer => Some(1),
            Normaliser::Instance => Some(channels),
        };
        x = match groups {
            None => net.batch_norm(&name, x, affine, epsilon).unwrap(),
            Some(groups) => net.group_norm(&name, x, groups, affine, epsilon).unwrap(),
        };
        x = net.relu(&format!("relu{index}"), x).unwrap();
    }
    let x = net.global_average_pool("pool", x).unwrap();
    let head = net.linear("head", x, 4, Bias::None, Training::Fixed);
    Net::new(net.finish(head.unwrap()).unwrap())
}

/// Such chains and residual networks, with every normaliser.
pub(super) fn networks() -> impl Strategy<Value = Net> {
    let normaliser = prop_oneof![
        Just(Normaliser::Batch),
        Just(Normaliser::Group { groups: 2 }),
        Just(Normaliser::Layer),
        Just(Normaliser::Instance),
    ];
    let affine = prop_oneof![Just(Affine::None), Just(Affine::ScaleAndShift)];
    let head = prop_oneof![Just(Training::Fixed), Just(Training::Trained)];
    let epsilon = prop_oneof![Just(0.0), Just(1e-5), 1e-3..1.0];
    (0..3, normaliser, affine, head, epsilon).prop_filter_map(
        "a network without a scaling",
        |(kind, normaliser, affine, head, epsilon)| {
            let architecture = match kind {
                0 => return chain(normaliser, affine, epsilon),
                1 => Architecture::PreResNet,
                _ => Architecture::ResNet,
            };
            let mut config = NetConfig::new(architecture, 8);
            // Wide enough for Winograd's method.
            (config.width, config.input, config.classes) = (8, INPUT, 4);
            (config.normaliser, config.affine) = (normaliser, affine);
            (config.head, config.epsilon) = (head, epsilon);
            if architecture == Architecture::PreResNet && affine == Affine::ScaleAndShift {
                config.stem = Stem::ConvNormReluConv;
            }
            Net::new(config.build().unwrap())
        },
    )
}
