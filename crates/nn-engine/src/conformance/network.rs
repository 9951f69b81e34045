//! Networks as the corpus writes them.

use nn_graph::nets::{Architecture, NetConfig, Normaliser, Shortcut, Stem};
use nn_graph::op::MaxPool;
use nn_graph::{Affine, Bias, ConvSpec, Graph, GraphBuilder, GraphError, NodeId, Shape, Training};
use serde::Deserialize;

/// A network of the builders, or operations written out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum NetworkSpec {
    /// [`Architecture::ResNet`].
    Resnet(NetSpec),
    /// [`Architecture::PreResNet`].
    Preresnet(NetSpec),
    /// [`Architecture::PlainCnn`].
    PlainCnn(NetSpec),
    /// [`Architecture::FullyConnected`].
    FullyConnected(NetSpec),
    /// Operations one after the other, on images of this shape.
    Chain {
        /// `[C, H, W]`.
        input: [usize; 3],
        /// Each reads the result of the one before, the first the images, unless it says another.
        ops: Vec<ChainLink>,
    },
}

/// The fields of [`NetConfig`]; what is left out is as in [`NetConfig::new`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    depth: usize,
    width: usize,
    input: [usize; 3],
    classes: usize,
    #[serde(default)]
    normaliser: NormaliserName,
    #[serde(default)]
    affine: bool,
    #[serde(default)]
    bias: bool,
    shortcut: Option<ShortcutName>,
    /// `conv, norm, relu, conv` instead of one convolution.
    #[serde(default)]
    long_stem: bool,
    #[serde(default)]
    trained_head: bool,
    epsilon: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ShortcutName {
    ZeroPad,
    Projection,
}

/// `"batch"`, `{ group = 4 }`, `"layer"` or `"instance"`.
#[derive(Clone, Copy, Debug, PartialEq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NormaliserName {
    #[default]
    Batch,
    Group(usize),
    Layer,
    Instance,
}

/// One operation of a chain, and what it reads.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ChainLink {
    /// The operation, which refuses fields that it does not know.
    #[serde(flatten)]
    pub op: ChainOp,
    /// Position in the chain, counted from 0, of the result that it reads; without it, the one before.
    pub from: Option<usize>,
}

/// One operation of a chain.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ChainOp {
    /// [`GraphBuilder::conv2d`].
    Conv2d {
        /// Output channels.
        channels: usize,
        /// Height and width of the kernel.
        kernel: usize,
        /// Distance between outputs.
        stride: usize,
        /// Zeros on each side.
        padding: usize,
        /// Whether it has a trained bias.
        #[serde(default)]
        bias: bool,
    },
    /// [`GraphBuilder::batch_norm`].
    BatchNorm {
        /// Whether it has trained scale and shift.
        #[serde(default)]
        affine: bool,
        /// `ε`.
        epsilon: f64,
    },
    /// [`GraphBuilder::group_norm`].
    GroupNorm {
        /// Number of groups.
        groups: usize,
        /// Whether it has trained scale and shift.
        #[serde(default)]
        affine: bool,
        /// `ε`.
        epsilon: f64,
    },
    /// [`GraphBuilder::relu`]. (Braces, since serde would let a name without them have any field.)
    Relu {},
    /// Sum with an earlier result.
    Add {
        /// Position in the chain, counted from 0, of the other summand.
        with: usize,
    },
    /// [`GraphBuilder::global_average_pool`].
    GlobalAveragePool {},
    /// [`GraphBuilder::max_pool`].
    MaxPool {
        /// Height and width of a window.
        kernel: usize,
        /// Distance between windows.
        stride: usize,
        /// Positions on each side.
        padding: usize,
    },
    /// [`GraphBuilder::zero_pad_shortcut`].
    ZeroPadShortcut {
        /// Distance between the positions kept.
        stride: usize,
        /// Channels of the result.
        channels: usize,
    },
    /// [`GraphBuilder::linear`].
    Linear {
        /// Size of the result.
        features: usize,
        /// Whether it has a bias.
        #[serde(default)]
        bias: bool,
        /// Whether it stays as it is.
        #[serde(default)]
        fixed: bool,
    },
}

impl NetworkSpec {
    /// The graph.
    ///
    /// # Errors
    /// [`GraphError`] if the description is not a network.
    pub fn graph(&self) -> Result<Graph, GraphError> {
        match self {
            NetworkSpec::Resnet(spec) => spec.graph(Architecture::ResNet),
            NetworkSpec::Preresnet(spec) => spec.graph(Architecture::PreResNet),
            NetworkSpec::PlainCnn(spec) => spec.graph(Architecture::PlainCnn),
            NetworkSpec::FullyConnected(spec) => spec.graph(Architecture::FullyConnected),
            NetworkSpec::Chain { input, ops } => chain(*input, ops),
        }
    }
}

impl NetSpec {
    fn graph(&self, architecture: Architecture) -> Result<Graph, GraphError> {
        let mut config = NetConfig::new(architecture, self.depth);
        config.width = self.width;
        config.input = self.input;
        config.classes = self.classes;
        config.normaliser = match self.normaliser {
            NormaliserName::Batch => Normaliser::Batch,
            NormaliserName::Group(groups) => Normaliser::Group { groups },
            NormaliserName::Layer => Normaliser::Layer,
            NormaliserName::Instance => Normaliser::Instance,
        };
        config.affine = affine(self.affine);
        config.bias = bias(self.bias);
        config.shortcut = match self.shortcut {
            None => config.shortcut,
            Some(ShortcutName::ZeroPad) => Shortcut::ZeroPad,
            Some(ShortcutName::Projection) => Shortcut::Projection,
        };
        if self.long_stem {
            config.stem = Stem::ConvNormReluConv;
        }
        config.head = match self.trained_head {
            true => Training::Trained,
            false => Training::Fixed,
        };
        config.epsilon = self.epsilon.unwrap_or(config.epsilon);
        config.build()
    }
}

fn chain(input: [usize; 3], ops: &[ChainLink]) -> Result<Graph, GraphError> {
    let mut net = GraphBuilder::new(Shape::new(input))?;
    let mut results: Vec<NodeId> = Vec::new();
    for (index, ChainLink { op, from }) in ops.iter().enumerate() {
        let before = results.last().copied().unwrap_or(net.input());
        let x = from.map_or(Ok(before), |from| earlier(&results, index, from))?;
        results.push(push(&mut net, index, op, x, &results)?);
    }
    let last = results.last().copied().unwrap_or(net.input());
    net.finish(last)
}

/// The result at a position of the chain so far, for the operation `reader`.
fn earlier(results: &[NodeId], reader: usize, position: usize) -> Result<NodeId, GraphError> {
    let unknown = || GraphError::UnknownInput {
        node: format!("operation {reader}"),
        input: position,
        count: results.len(),
    };
    results.get(position).copied().ok_or_else(unknown)
}

fn push(
    net: &mut GraphBuilder,
    index: usize,
    op: &ChainOp,
    x: NodeId,
    results: &[NodeId],
) -> Result<NodeId, GraphError> {
    let name = |op: &str| format!("{op}{index}");
    match *op {
        ChainOp::Conv2d {
            channels,
            kernel,
            stride,
            padding,
            bias: with_bias,
        } => {
            let spec = ConvSpec {
                channels,
                kernel,
                stride,
                padding,
                bias: bias(with_bias),
            };
            net.conv2d(&name("conv"), x, spec)
        }
        ChainOp::BatchNorm {
            affine: with_affine,
            epsilon,
        } => net.batch_norm(&name("norm"), x, affine(with_affine), epsilon),
        ChainOp::GroupNorm {
            groups,
            affine: with_affine,
            epsilon,
        } => net.group_norm(&name("norm"), x, groups, affine(with_affine), epsilon),
        ChainOp::Relu {} => net.relu(&name("relu"), x),
        ChainOp::Add { with } => net.add(&name("add"), x, earlier(results, index, with)?),
        ChainOp::GlobalAveragePool {} => net.global_average_pool(&name("pool"), x),
        ChainOp::MaxPool {
            kernel,
            stride,
            padding,
        } => {
            let pool = MaxPool {
                kernel,
                stride,
                padding,
            };
            net.max_pool(&name("max_pool"), x, pool)
        }
        ChainOp::ZeroPadShortcut { stride, channels } => {
            net.zero_pad_shortcut(&name("shortcut"), x, stride, channels)
        }
        ChainOp::Linear {
            features,
            bias: with_bias,
            fixed,
        } => {
            let training = match fixed {
                true => Training::Fixed,
                false => Training::Trained,
            };
            net.linear(&name("linear"), x, features, bias(with_bias), training)
        }
    }
}

fn affine(trained: bool) -> Affine {
    match trained {
        true => Affine::ScaleAndShift,
        false => Affine::None,
    }
}

fn bias(trained: bool) -> Bias {
    match trained {
        true => Bias::Trained,
        false => Bias::None,
    }
}
