//! Random networks of a few operations, for property tests.
//!
//! What an engine may do wrong with neighbouring operations depends on who else reads a tensor, and in which order. So
//! operations read any earlier result, additions sum any two of equal shape, and some results lead nowhere. Everything is
//! a shrinkable strategy.
//!
//! ```
//! use nn_engine::plan::Plan;
//! use nn_engine::strategies::network;
//! use proptest::prelude::*;
//!
//! proptest!(|(network in network())| {
//!     let graph = network.graph()?;
//!     prop_assert!(Plan::compile(&graph).groups().len() < graph.nodes().len());
//! });
//! ```

use std::ops::RangeInclusive;

use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, RngSeed};

use crate::Optimiser;
use crate::conformance::{Augmentation, Case, ChainLink, ChainOp, Kinks, NetworkSpec, Rates, Tier};

/// Operations before the classifier.
const OPERATIONS: RangeInclusive<usize> = 4..=12;
/// Height and width of images.
const SIZE: RangeInclusive<usize> = 1..=9;
/// Channels of a convolution's result: less and more than a vector holds.
const CHANNELS: RangeInclusive<usize> = 1..=20;
/// Of normalisations. Random networks have channels of hardly any variance, where a small one would amplify rounding.
const EPSILON: f64 = 0.1;

/// The default configuration with a fixed seed, so that a failure is one everywhere; the environment
/// variables `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look further.
#[must_use]
pub fn seeded() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(0);
    }
    config
}

/// A network of 4 to 12 operations on images of up to 9×9 pixels, then ReLU, a mean over positions and linear layers.
/// Every one is a valid graph.
pub fn network() -> impl Strategy<Value = NetworkSpec> {
    let input = [1..=4, SIZE, SIZE];
    let draws = prop::collection::vec(draw(), OPERATIONS);
    (input, draws, classifier()).prop_map(|(input, draws, classifier)| {
        let mut chain = Chain {
            input,
            shapes: Vec::new(),
            ops: Vec::new(),
        };
        for draw in &draws {
            chain.push(draw);
        }
        let ops = classifier.ops(chain.ops.len()).into_iter();
        chain.ops.extend(ops.map(|op| ChainLink { op, from: None }));
        NetworkSpec::Chain {
            input,
            ops: chain.ops,
        }
    })
}

/// From images to classes.
#[derive(Clone, Debug)]
struct Classifier {
    /// Features of a residual layer, if there is one.
    hidden: Option<usize>,
    classes: usize,
    bias: bool,
    fixed: bool,
}

fn classifier() -> impl Strategy<Value = Classifier> {
    let hidden = prop::option::weighted(0.3, CHANNELS);
    (hidden, 2usize..=5, any::<bool>(), any::<bool>()).prop_map(|(hidden, classes, bias, fixed)| {
        Classifier {
            hidden,
            classes,
            bias,
            fixed,
        }
    })
}

impl Classifier {
    /// The operations, of which the first has this position.
    fn ops(&self, first: usize) -> Vec<ChainOp> {
        let linear = |features, fixed| ChainOp::Linear {
            features,
            bias: self.bias,
            fixed,
        };
        // Without the ReLU the mean of what was normalised would be 0, and all gradients with it.
        let mut ops = vec![ChainOp::Relu {}, ChainOp::GlobalAveragePool {}];
        if let Some(features) = self.hidden {
            let with = first + ops.len();
            ops.extend([linear(features, false), ChainOp::Relu {}]);
            ops.extend([linear(features, false), ChainOp::Add { with }]);
        }
        ops.push(linear(self.classes, self.fixed));
        ops
    }
}

/// Two steps of training of such a network, on batches of up to 5 images. Seeds are not chosen to avoid kinks.
pub fn case() -> impl Strategy<Value = Case> {
    (network(), 1usize..=5, 0..1u64 << 32).prop_map(|(network, batch, seed)| Case {
        name: "random network".into(),
        tier: Tier::Cpu,
        seed,
        network,
        batch,
        steps: 2,
        tolerance: 1.0,
        kinks: Kinks::Avoided,
        augmentation: Augmentation::None,
        replicas: vec![Rates {
            learning_rate: 0.05,
            weight_decay: 5e-4,
            momentum: 0.9,
            adam: None,
        }],
        optimiser: Optimiser::Sgd,
        own_batches: false,
        groups: 1,
        scale_ratio: 1.0,
        rescale: None,
    })
}

/// An operation before it is known what there is to read.
#[derive(Clone, Debug)]
struct Draw {
    /// What it reads: nothing for the result before, else one of all results.
    from: Option<prop::sample::Index>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Conv {
        /// As many as its input has, if nothing.
        channels: Option<usize>,
        kernel: usize,
        stride: usize,
        bias: bool,
    },
    BatchNorm {
        affine: bool,
    },
    GroupNorm {
        /// One of the divisors of the channels.
        groups: prop::sample::Index,
        affine: bool,
    },
    Relu,
    /// With one of the results of equal shape.
    Add(prop::sample::Index),
    MaxPool {
        kernel: usize,
        stride: usize,
    },
    ZeroPadShortcut {
        stride: usize,
        more: usize,
    },
}

fn draw() -> impl Strategy<Value = Draw> {
    let from = prop::option::weighted(0.4, any::<prop::sample::Index>());
    (from, kind()).prop_map(|(from, kind)| Draw { from, kind })
}

fn kind() -> impl Strategy<Value = Kind> {
    let channels = prop::option::weighted(0.3, CHANNELS);
    let kernel = prop::sample::select(vec![3, 1]);
    // Mostly 1, so that many tensors have equal shapes.
    let stride = || prop_oneof![4 => Just(1), 1 => Just(2)];
    let conv = (channels, kernel, stride(), any::<bool>());
    let conv = conv.prop_map(|(channels, kernel, stride, bias)| Kind::Conv {
        channels,
        kernel,
        stride,
        bias,
    });
    let batch = any::<bool>().prop_map(|affine| Kind::BatchNorm { affine });
    let group = (any::<prop::sample::Index>(), any::<bool>());
    let group = group.prop_map(|(groups, affine)| Kind::GroupNorm { groups, affine });
    let pool = (1usize..=3, stride());
    let pool = pool.prop_map(|(kernel, stride)| Kind::MaxPool { kernel, stride });
    let shortcut = (stride(), 0usize..=2);
    let shortcut = shortcut.prop_map(|(stride, more)| Kind::ZeroPadShortcut { stride, more });
    prop_oneof![
        6 => conv,
        4 => batch,
        2 => group,
        4 => Just(Kind::Relu),
        5 => any::<prop::sample::Index>().prop_map(Kind::Add),
        1 => pool,
        1 => shortcut,
    ]
}

/// A chain so far, with the shape of each result.
struct Chain {
    input: [usize; 3],
    shapes: Vec<[usize; 3]>,
    ops: Vec<ChainLink>,
}

impl Chain {
    fn push(&mut self, draw: &Draw) {
        let from = draw.from.filter(|_| !self.shapes.is_empty());
        let from = from.map(|from| from.index(self.shapes.len()));
        let before = self.shapes.last().copied().unwrap_or(self.input);
        let shape = from.map_or(before, |from| self.shapes[from]);
        let (op, shape) = self.read(&draw.kind, shape);
        self.ops.push(ChainLink { op, from });
        self.shapes.push(shape);
    }

    /// The operation that reads a tensor of this shape, and the shape of its result.
    fn read(&self, kind: &Kind, shape: [usize; 3]) -> (ChainOp, [usize; 3]) {
        let [channels, height, width] = shape;
        let strided = |stride: usize, channels: usize| {
            [channels, height.div_ceil(stride), width.div_ceil(stride)]
        };
        match *kind {
            Kind::Conv {
                channels: wanted,
                kernel,
                stride,
                bias,
            } => {
                let channels = wanted.unwrap_or(channels);
                let op = ChainOp::Conv2d {
                    channels,
                    kernel,
                    stride,
                    padding: kernel / 2,
                    bias,
                };
                (op, strided(stride, channels))
            }
            Kind::BatchNorm { affine } => {
                let epsilon = EPSILON;
                (ChainOp::BatchNorm { affine, epsilon }, shape)
            }
            Kind::GroupNorm { groups, affine } => {
                let divisors = (1..=channels).filter(|groups| channels % groups == 0);
                let op = ChainOp::GroupNorm {
                    groups: *groups.get(&divisors.collect::<Vec<_>>()),
                    affine,
                    epsilon: EPSILON,
                };
                (op, shape)
            }
            Kind::Relu => (ChainOp::Relu {}, shape),
            Kind::Add(with) => {
                let equal = (0..self.shapes.len()).filter(|&other| self.shapes[other] == shape);
                let equal: Vec<_> = equal.collect();
                // Only the images may have no other of their shape.
                match equal.is_empty() {
                    true => (ChainOp::Relu {}, shape),
                    false => (
                        ChainOp::Add {
                            with: *with.get(&equal),
                        },
                        shape,
                    ),
                }
            }
            Kind::MaxPool { kernel, stride } => {
                let padding = kernel / 2;
                let along = |size: usize| (size + 2 * padding - kernel) / stride + 1;
                let op = ChainOp::MaxPool {
                    kernel,
                    stride,
                    padding,
                };
                (op, [channels, along(height), along(width)])
            }
            Kind::ZeroPadShortcut { stride, more } => {
                let channels = channels + more;
                let op = ChainOp::ZeroPadShortcut { stride, channels };
                (op, strided(stride, channels))
            }
        }
    }
}
