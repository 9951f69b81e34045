//! The paper's networks: residual ones, plain convolutional ones, fully connected ones.
//!
//! Both residual families have three stages of `n` basic blocks (two 3×3 convolutions each) with widths
//! `w, 2w, 4w` at full, half and quarter resolution, then global average pooling and a linear head: `6n + 2` layers with
//! weights. The plain network ([`Architecture::PlainCnn`]) has the same layers and no shortcut. In the fully connected
//! one, every layer has `w` features.
//!
//! **Shortcuts.** Where a stage changes width, the identity needs help. He et al. (2016a), §4.2, use
//! [`Shortcut::ZeroPad`] ("option A") for CIFAR: no parameters, degree unchanged.
//! [`Shortcut::Projection`] ("option B") is a strided 1×1 convolution. In the pre-activation network
//! it reads the *pre-activation*, as in the code released with He et al. (2016b): reading the raw
//! stream would give the shortcut a degree one higher than the branch's, and the network would not
//! be scale-invariant. In the original ResNet the projection has a normalisation of its own, for the same
//! reason. [`Shortcut::RawProjection`] is what must not be done. [`Shortcut::Projection`] is the default for PreResNet (69,124,736 multiply-adds at depth
//! 32) and zero padding for ResNet.
//!
//! **Normalisation.** [`Normaliser`] chooses one kind for the whole network. The paper trains with all of them; in its
//! words and figures "BN", "GN", "LN" and "IN".

mod fully_connected;
mod plain_cnn;
mod preresnet;
mod resnet;

use crate::{Affine, Bias, ConvSpec, Graph, GraphBuilder, GraphError, NodeId, Shape, Training};

/// Which family of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// He et al. (2016a): convolution, normalisation, ReLU; ReLU after each addition.
    ResNet,
    /// He et al. (2016b): normalisation, ReLU, convolution; a clean stream.
    PreResNet,
    /// The plain network of He et al. (2016a), §4.2: convolution, normalisation, ReLU, without shortcuts.
    PlainCnn,
    /// Linear layer, normalisation, ReLU. The first layer reads all of the image, which must be square: a linear layer
    /// is a convolution whose kernel is as large as what it reads.
    FullyConnected,
}

/// How the stream changes width between stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// Every other position, new channels zero.
    ZeroPad,
    /// A strided 1×1 convolution (see the [module](self) for what it reads).
    Projection,
    /// A strided 1×1 convolution of the stream as it is, without a normalisation: not scale-invariant, as the paper
    /// remarks.
    RawProjection,
}

/// How activations are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Normaliser {
    /// Over the images of the batch and all positions, with running statistics for evaluation.
    #[default]
    Batch,
    /// Over all positions and the channels of a group, each image on its own.
    Group {
        /// Number of groups, a divisor of the network's width.
        groups: usize,
    },
    /// Over all positions and channels, each image on its own: a single group, with a scale and shift per channel
    /// (see [`GroupNorm`](crate::op::GroupNorm) for the difference to PyTorch's `LayerNorm`).
    Layer,
    /// Over all positions, each image and channel on its own: a group for each channel.
    Instance,
}

/// What comes before the first block of a PreResNet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Stem {
    /// One 3×3 convolution: the stream starts at degree 1.
    #[default]
    Conv,
    /// Convolution, normalisation, ReLU, convolution: with trained affine parameters the stream
    /// starts at degree 2, as the blocks' branches end, which scale invariance needs.
    ConvNormReluConv,
    /// One convolution, and a projecting shortcut in the first block too, which reads the pre-activation: with trained
    /// affine parameters the stream has degree 2 behind it.
    ConvProjection,
}

/// A network: everything that determines its graph.
///
/// ```
/// use nn_graph::nets::{Architecture, NetConfig};
/// let mut config = NetConfig::new(Architecture::ResNet, 20);
/// config.width = 8;
/// config.input = [3, 16, 16];
/// let graph = config.build()?;
/// assert_eq!(graph.input_shape().dims(), [3, 16, 16]);
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NetConfig {
    /// Family.
    pub architecture: Architecture,
    /// Layers with weights: `6n + 2`, and any number from 2 on of a fully connected network.
    pub depth: usize,
    /// Channels of the first stage; features of every layer of a fully connected network.
    pub width: usize,
    /// Shape of the images, `[C, H, W]`.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Kind of the normalisations.
    pub normaliser: Normaliser,
    /// Trained parameters of the normalisations. The last one before a fixed head has none: a
    /// network whose output has a degree of its own is not scale-invariant. (A ResNet has no such last one, as its
    /// stream adds up what several of them give.)
    pub affine: Affine,
    /// Trained biases of the layers before normalisations.
    pub bias: Bias,
    /// Width changes of a residual network; others have no shortcuts.
    pub shortcut: Shortcut,
    /// Start of a PreResNet (others always start with layer, normalisation, ReLU).
    pub stem: Stem,
    /// The last linear layer: trained (with bias), or fixed and random (without), which makes every
    /// trained weight scale-invariant.
    pub head: Training,
    /// `ε` of every normalisation.
    pub epsilon: f64,
}

impl NetConfig {
    /// The paper's network: width 16, 32×32 colour images, 10 classes, batch normalisation without affine
    /// parameters, fixed random head, `ε = 1e-5`.
    pub fn new(architecture: Architecture, depth: usize) -> Self {
        Self {
            architecture,
            depth,
            width: 16,
            input: [3, 32, 32],
            classes: 10,
            normaliser: Normaliser::Batch,
            affine: Affine::None,
            bias: Bias::None,
            shortcut: match architecture {
                Architecture::PreResNet => Shortcut::Projection,
                _ => Shortcut::ZeroPad,
            },
            stem: Stem::Conv,
            head: Training::Fixed,
            epsilon: 1e-5,
        }
    }

    /// The graph.
    ///
    /// ```
    /// use nn_graph::nets::{Architecture, NetConfig};
    /// let mut config = NetConfig::new(Architecture::FullyConnected, 3);
    /// config.input = [3, 8, 8];
    /// let graph = config.build()?;
    /// let shapes: Vec<&[usize]> = graph.parameters().iter().map(|p| &p.shape[..]).collect();
    /// assert_eq!(shapes, [&[16, 3, 8, 8][..], &[16, 16, 1, 1], &[10, 16]]);
    /// # Ok::<(), nn_graph::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// [`GraphError::OutOfRange`] if there is no network of that depth, a size is 0, or the groups do not divide
    /// the width;
    /// [`GraphError::Contradiction`] if another network than a PreResNet is given a stem, one without shortcuts is given
    /// another than the default, or a fully connected one images that are not square or a normalisation of single numbers.
    pub fn build(&self) -> Result<Graph, GraphError> {
        self.check_sizes()?;
        if self.stem != Stem::Conv && self.architecture != Architecture::PreResNet {
            return Err(GraphError::Contradiction(
                "the stem can be chosen only for a PreResNet".into(),
            ));
        }
        let is_residual = matches!(
            self.architecture,
            Architecture::ResNet | Architecture::PreResNet
        );
        if self.shortcut != Shortcut::ZeroPad && !is_residual {
            return Err(GraphError::Contradiction(
                "the shortcut can be chosen only for a residual network; others have none".into(),
            ));
        }
        let mut net = GraphBuilder::new(Shape::new(self.input))?;
        let features = match self.architecture {
            Architecture::ResNet => resnet::build(self, &mut net)?,
            Architecture::PreResNet => preresnet::build(self, &mut net)?,
            Architecture::PlainCnn => plain_cnn::build(self, &mut net)?,
            Architecture::FullyConnected => fully_connected::build(self, &mut net)?,
        };
        let pooled = net.global_average_pool("pool", features)?;
        let bias = match self.head {
            Training::Trained => Bias::Trained,
            Training::Fixed => Bias::None,
        };
        let logits = net.linear("head", pooled, self.classes, bias, self.head)?;
        net.finish(logits)
    }

    fn check_sizes(&self) -> Result<(), GraphError> {
        let (possible, needs) = match self.architecture {
            Architecture::FullyConnected => (
                (2..=1000).contains(&self.depth),
                "between 2 and 1000, the last layer included",
            ),
            _ => (
                (8..=6_002).contains(&self.depth) && self.depth % 6 == 2,
                "6n + 2 with n from 1 to 1000 (8, 14, 20, 26, 32, …)",
            ),
        };
        if !possible {
            return Err(GraphError::OutOfRange {
                what: "the depth of the network".into(),
                value: self.depth.to_string(),
                needs: needs.into(),
            });
        }
        if self.width == 0 || self.width > 1 << 16 {
            return Err(GraphError::OutOfRange {
                what: "the width of the network".into(),
                value: self.width.to_string(),
                needs: "between 1 and 65536".into(),
            });
        }
        if let Normaliser::Group { groups } = self.normaliser
            && (groups == 0 || !self.width.is_multiple_of(groups))
        {
            return Err(GraphError::OutOfRange {
                what: "the number of groups of the network's normalisations".into(),
                value: groups.to_string(),
                needs: format!("a divisor of its width, {}", self.width),
            });
        }
        Ok(())
    }

    /// Blocks as `(name, channels, stride)`, in order.
    fn blocks(&self) -> impl Iterator<Item = (String, usize, usize)> {
        let per_stage = (self.depth - 2) / 6;
        let width = self.width;
        (0..3).flat_map(move |stage| {
            (0..per_stage).map(move |block| {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                (
                    format!("stage{}.block{block}", stage + 1),
                    width << stage,
                    stride,
                )
            })
        })
    }

    fn conv3x3(&self, channels: usize, stride: usize) -> ConvSpec {
        ConvSpec {
            channels,
            kernel: 3,
            stride,
            padding: 1,
            bias: self.bias,
        }
    }

    /// This network's kind of normalisation.
    fn norm(
        &self,
        net: &mut GraphBuilder,
        name: &str,
        x: NodeId,
        affine: Affine,
    ) -> Result<NodeId, GraphError> {
        let groups = match self.normaliser {
            Normaliser::Batch => return net.batch_norm(name, x, affine, self.epsilon),
            Normaliser::Group { groups } => groups,
            Normaliser::Layer => 1,
            Normaliser::Instance => net.shape(x).map_or(1, Shape::channels),
        };
        net.group_norm(name, x, groups, affine, self.epsilon)
    }

    fn norm_relu(
        &self,
        net: &mut GraphBuilder,
        name: &str,
        x: NodeId,
    ) -> Result<NodeId, GraphError> {
        let x = self.norm(net, name, x, self.affine)?;
        net.relu(&format!("{name}.relu"), x)
    }

    /// The same before the head.
    fn last_norm_relu(
        &self,
        net: &mut GraphBuilder,
        name: &str,
        x: NodeId,
    ) -> Result<NodeId, GraphError> {
        let affine = match self.head {
            Training::Fixed => Affine::None,
            Training::Trained => self.affine,
        };
        let x = self.norm(net, name, x, affine)?;
        net.relu(&format!("{name}.relu"), x)
    }

    fn projection(
        &self,
        net: &mut GraphBuilder,
        block: &str,
        x: NodeId,
        channels: usize,
        stride: usize,
    ) -> Result<NodeId, GraphError> {
        let spec = ConvSpec {
            channels,
            kernel: 1,
            stride,
            padding: 0,
            bias: self.bias,
        };
        net.conv2d(&format!("{block}.shortcut"), x, spec)
    }
}

/// Whether a block must change the stream's shape.
fn changes_shape(net: &GraphBuilder, x: NodeId, channels: usize, stride: usize) -> bool {
    stride != 1
        || net
            .shape(x)
            .is_none_or(|shape| shape.channels() != channels)
}
