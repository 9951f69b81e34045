//! Building a graph node by node, with every shape checked on the way.

use std::collections::HashSet;

use crate::op::{BatchNorm, Conv2d, GroupNorm, Linear, MaxPool, ZeroPadShortcut};
use crate::{
    Affine, Bias, ConvSpec, Graph, GraphError, Init, Node, NodeId, Op, Parameter, ParameterId,
    Shape, Training,
};

/// Adds nodes one after the other; each method returns the id of the new tensor.
///
/// ```
/// use nn_graph::{Affine, Bias, ConvSpec, GraphBuilder, Shape, Training};
///
/// let mut net = GraphBuilder::new(Shape::new([3, 8, 8]))?;
/// let spec = ConvSpec { channels: 4, kernel: 3, stride: 1, padding: 1, bias: Bias::None };
/// let x = net.conv2d("conv", net.input(), spec)?;
/// let x = net.batch_norm("norm", x, Affine::None, 1e-5)?;
/// let x = net.relu("relu", x)?;
/// let x = net.global_average_pool("pool", x)?;
/// let logits = net.linear("head", x, 10, Bias::None, Training::Fixed)?;
/// let graph = net.finish(logits)?;
/// assert_eq!(graph.output_shape().dims(), [10]);
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    nodes: Vec<Node>,
    parameters: Vec<Parameter>,
    names: HashSet<String>,
}

impl GraphBuilder {
    /// A graph with nothing but its input of this shape.
    ///
    /// # Errors
    /// [`GraphError::OutOfRange`] if a dimension is 0 or one image has more than 2³¹ elements.
    pub fn new(input: Shape) -> Result<Self, GraphError> {
        check_elements("the input", &input)?;
        let node = Node {
            name: "input".into(),
            op: Op::Input,
            inputs: vec![],
            shape: input,
        };
        Ok(Self {
            nodes: vec![node],
            parameters: vec![],
            names: HashSet::from(["input".into()]),
        })
    }

    /// The images.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// The shape of a tensor built so far; `None` for an id of another graph.
    pub fn shape(&self, id: NodeId) -> Option<&Shape> {
        self.nodes.get(id.0).map(|node| &node.shape)
    }

    /// A convolution, He-initialised by its fan-out `k²·channels` as in the code the paper used.
    ///
    /// # Errors
    /// [`GraphError`] if the shape does not fit or a size is out of range.
    pub fn conv2d(&mut self, name: &str, x: NodeId, spec: ConvSpec) -> Result<NodeId, GraphError> {
        let ConvSpec {
            channels,
            kernel,
            stride,
            padding,
            bias,
        } = spec;
        for (what, value) in [
            ("channels", channels),
            ("kernel", kernel),
            ("stride", stride),
        ] {
            in_range(name, what, value, 1)?;
        }
        in_range(name, "padding", padding, 0)?;
        let fan_in = self.channels(name, x)?;
        let weight = self.parameter(
            format!("{name}.weight"),
            vec![channels, fan_in, kernel, kernel],
            Init::he_normal(kernel * kernel * channels),
            Training::Trained,
        )?;
        let bias = self.bias(name, channels, bias, Training::Trained)?;
        self.push(
            name,
            Op::Conv2d(Conv2d {
                weight,
                bias,
                stride,
                padding,
            }),
            vec![x],
        )
    }

    /// A fully connected layer with weights `N(0, 1/in)`.
    ///
    /// # Errors
    /// [`GraphError`] if the shape does not fit or a size is out of range.
    pub fn linear(
        &mut self,
        name: &str,
        x: NodeId,
        features: usize,
        bias: Bias,
        training: Training,
    ) -> Result<NodeId, GraphError> {
        in_range(name, "features", features, 1)?;
        let fan_in = self.channels(name, x)?;
        let init = Init::Normal {
            standard_deviation: (fan_in.max(1) as f64).sqrt().recip(),
        };
        let weight = self.parameter(
            format!("{name}.weight"),
            vec![features, fan_in],
            init,
            training,
        )?;
        let bias = self.bias(name, features, bias, training)?;
        self.push(name, Op::Linear(Linear { weight, bias }), vec![x])
    }

    /// Batch normalisation.
    ///
    /// # Errors
    /// [`GraphError`] if the input is no image or `epsilon` is negative or not finite.
    pub fn batch_norm(
        &mut self,
        name: &str,
        x: NodeId,
        affine: Affine,
        epsilon: f64,
    ) -> Result<NodeId, GraphError> {
        let (scale, shift) = self.scale_and_shift(name, x, affine, epsilon)?;
        let norm = BatchNorm {
            scale,
            shift,
            epsilon,
        };
        self.push(name, Op::BatchNorm(norm), vec![x])
    }

    /// Normalisation of each image over `groups` groups of channels: 1 is layer normalisation, one for each channel
    /// is instance normalisation (see [`GroupNorm`]).
    ///
    /// # Errors
    /// [`GraphError`] if the input is no image, `groups` does not divide its channels, or `epsilon` is negative or
    /// not finite.
    pub fn group_norm(
        &mut self,
        name: &str,
        x: NodeId,
        groups: usize,
        affine: Affine,
        epsilon: f64,
    ) -> Result<NodeId, GraphError> {
        in_range(name, "groups", groups, 1)?;
        let (scale, shift) = self.scale_and_shift(name, x, affine, epsilon)?;
        let norm = GroupNorm {
            groups,
            scale,
            shift,
            epsilon,
        };
        self.push(name, Op::GroupNorm(norm), vec![x])
    }

    /// `max(x, 0)`.
    ///
    /// # Errors
    /// [`GraphError`] if the name is taken or `x` is unknown.
    pub fn relu(&mut self, name: &str, x: NodeId) -> Result<NodeId, GraphError> {
        self.push(name, Op::Relu, vec![x])
    }

    /// `a + b`.
    ///
    /// # Errors
    /// [`GraphError::UnequalShapes`] and those of every node.
    pub fn add(&mut self, name: &str, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.push(name, Op::Add, vec![a, b])
    }

    /// Mean over positions.
    ///
    /// # Errors
    /// [`GraphError::InputShape`] and those of every node.
    pub fn global_average_pool(&mut self, name: &str, x: NodeId) -> Result<NodeId, GraphError> {
        self.push(name, Op::GlobalAveragePool, vec![x])
    }

    /// Maximum over windows.
    ///
    /// # Errors
    /// [`GraphError`] if no window fits or a size is out of range.
    pub fn max_pool(&mut self, name: &str, x: NodeId, pool: MaxPool) -> Result<NodeId, GraphError> {
        in_range(name, "kernel", pool.kernel, 1)?;
        in_range(name, "stride", pool.stride, 1)?;
        if pool.padding >= pool.kernel {
            return Err(GraphError::OutOfRange {
                what: format!("padding of `{name}`"),
                value: pool.padding.to_string(),
                needs: format!("less than its kernel, {}", pool.kernel),
            });
        }
        self.push(name, Op::MaxPool(pool), vec![x])
    }

    /// Parameter-free shortcut: every `stride`-th position, padded with zeros to `channels`.
    ///
    /// # Errors
    /// [`GraphError::InputShape`] and those of every node.
    pub fn zero_pad_shortcut(
        &mut self,
        name: &str,
        x: NodeId,
        stride: usize,
        channels: usize,
    ) -> Result<NodeId, GraphError> {
        in_range(name, "stride", stride, 1)?;
        in_range(name, "channels", channels, 1)?;
        self.push(
            name,
            Op::ZeroPadShortcut(ZeroPadShortcut { stride, channels }),
            vec![x],
        )
    }

    /// The finished graph with this output.
    ///
    /// # Errors
    /// [`GraphError::UnknownInput`] if `output` is not a node of this graph.
    pub fn finish(self, output: NodeId) -> Result<Graph, GraphError> {
        if output.0 >= self.nodes.len() {
            return Err(self.unknown("output", output));
        }
        Ok(Graph {
            nodes: self.nodes,
            parameters: self.parameters,
            output,
        })
    }

    /// The parameters of a normalisation, with its `ε` checked first.
    fn scale_and_shift(
        &mut self,
        name: &str,
        x: NodeId,
        affine: Affine,
        epsilon: f64,
    ) -> Result<(Option<ParameterId>, Option<ParameterId>), GraphError> {
        if !(epsilon >= 0.0 && epsilon.is_finite()) {
            return Err(GraphError::OutOfRange {
                what: format!("epsilon of `{name}`"),
                value: epsilon.to_string(),
                needs: "finite and not negative".into(),
            });
        }
        let channels = self.channels(name, x)?;
        if affine == Affine::None {
            return Ok((None, None));
        }
        let mut tensor = |suffix: &str, value| {
            let (name, init) = (format!("{name}.{suffix}"), Init::Constant(value));
            self.parameter(name, vec![channels], init, Training::Trained)
        };
        Ok((Some(tensor("scale", 1.0)?), Some(tensor("shift", 0.0)?)))
    }

    fn bias(
        &mut self,
        name: &str,
        channels: usize,
        bias: Bias,
        training: Training,
    ) -> Result<Option<ParameterId>, GraphError> {
        match bias {
            Bias::None => Ok(None),
            Bias::Trained => {
                let init = Init::Constant(0.0);
                self.parameter(format!("{name}.bias"), vec![channels], init, training)
                    .map(Some)
            }
        }
    }

    fn parameter(
        &mut self,
        name: String,
        shape: Vec<usize>,
        init: Init,
        training: Training,
    ) -> Result<ParameterId, GraphError> {
        check_elements(&format!("parameter `{name}`"), &Shape::new(shape.clone()))?;
        self.claim(&name)?;
        let trainable = training == Training::Trained;
        self.parameters.push(Parameter {
            name,
            shape,
            init,
            trainable,
        });
        Ok(ParameterId(self.parameters.len() - 1))
    }

    fn push(&mut self, name: &str, op: Op, inputs: Vec<NodeId>) -> Result<NodeId, GraphError> {
        let mut shapes = Vec::with_capacity(inputs.len());
        for &input in &inputs {
            shapes.push(self.shape(input).ok_or_else(|| self.unknown(name, input))?);
        }
        let shape = result_shape(name, &op, &shapes, &self.parameters)?;
        self.claim(name)?;
        self.nodes.push(Node {
            name: name.to_owned(),
            op,
            inputs,
            shape,
        });
        Ok(NodeId(self.nodes.len() - 1))
    }

    fn channels(&self, name: &str, x: NodeId) -> Result<usize, GraphError> {
        self.shape(x)
            .map(Shape::channels)
            .ok_or_else(|| self.unknown(name, x))
    }

    fn unknown(&self, name: &str, id: NodeId) -> GraphError {
        GraphError::UnknownInput {
            node: name.to_owned(),
            input: id.0,
            count: self.nodes.len(),
        }
    }

    fn claim(&mut self, name: &str) -> Result<(), GraphError> {
        if self.names.insert(name.to_owned()) {
            return Ok(());
        }
        Err(GraphError::DuplicateName {
            name: name.to_owned(),
        })
    }
}

/// Largest accepted size, stride or channel count: far above any network, far below overflow.
const LARGEST: usize = 1 << 20;

fn in_range(node: &str, what: &str, value: usize, least: usize) -> Result<(), GraphError> {
    if (least..=LARGEST).contains(&value) {
        return Ok(());
    }
    Err(GraphError::OutOfRange {
        what: format!("{what} of `{node}`"),
        value: value.to_string(),
        needs: format!("between {least} and {LARGEST}"),
    })
}

/// The shape of a node's result, with its size checked.
pub(crate) fn result_shape(
    name: &str,
    op: &Op,
    inputs: &[&Shape],
    parameters: &[Parameter],
) -> Result<Shape, GraphError> {
    let shape = op.output_shape(name, inputs, parameters)?;
    check_elements(&format!("the result of `{name}`"), &shape)?;
    Ok(shape)
}

pub(crate) fn check_elements(what: &str, shape: &Shape) -> Result<(), GraphError> {
    if (1..=1 << 31).contains(&shape.elements()) {
        return Ok(());
    }
    Err(GraphError::OutOfRange {
        what: format!("the shape of {what}"),
        value: shape.to_string(),
        needs: "of between 1 and 2^31 elements".into(),
    })
}
