//! The graph itself: nodes in topological order, and parameters.

use crate::builder::{check_elements, result_shape};
use crate::{GraphError, Init, Op, Shape};

/// Index of a node, and of the one tensor that it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// Position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// Index of a parameter tensor in [`Graph::parameters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(pub(crate) usize);

impl ParameterId {
    /// Position in [`Graph::parameters`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// One operation with its inputs and the shape of its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique name, for messages and saved states.
    pub name: String,
    /// What it computes, with its parameters.
    pub op: Op,
    /// The tensors it reads: all earlier in the graph.
    pub inputs: Vec<NodeId>,
    /// Shape of its result for one image.
    pub shape: Shape,
}

/// A parameter tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Unique name, such as `stage1.block0.conv1.weight`.
    pub name: String,
    /// Shape: `[out, in, kernel, kernel]` of a convolution, `[out, in]` of a linear layer, `[C]` of
    /// a bias or an affine parameter.
    pub shape: Vec<usize>,
    /// How it starts.
    pub init: Init,
    /// Whether the optimiser changes it. A fixed parameter keeps its initial value.
    pub trainable: bool,
}

impl Parameter {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A network: operations in topological order, the last one its output.
///
/// Built by [`GraphBuilder`](crate::GraphBuilder) or by [`nets`](crate::nets). Immutable, and valid
/// by construction: every input precedes its reader and every shape agrees.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: NodeId,
}

impl Graph {
    /// All nodes, each after its inputs.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node with this index.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Ids of all nodes, in topological order.
    pub fn node_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// All parameter tensors.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The parameter with this index.
    pub fn parameter(&self, id: ParameterId) -> &Parameter {
        &self.parameters[id.0]
    }

    /// Ids of all parameters, in order.
    pub fn parameter_ids(&self) -> impl DoubleEndedIterator<Item = ParameterId> + use<> {
        (0..self.parameters.len()).map(ParameterId)
    }

    /// The node whose tensor is the network's result (the logits of a classifier).
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// Shape of the network's result for one image.
    pub fn output_shape(&self) -> &Shape {
        &self.node(self.output).shape
    }

    /// Shape of the images that the network reads.
    pub fn input_shape(&self) -> &Shape {
        // The builder starts every graph with its one input node.
        &self.nodes[0].shape
    }

    /// All normalisations, of batches and of groups, in topological order: tables of degrees and of `ε` list them so.
    pub fn normalisers(&self) -> Vec<NodeId> {
        self.node_ids()
            .filter(|&id| matches!(self.node(id).op, Op::BatchNorm(_) | Op::GroupNorm(_)))
            .collect()
    }

    /// The batch normalisations, in topological order: the only nodes that keep running statistics, which states
    /// list in this order. Group normalisations keep none and are not among them.
    pub fn batch_norms(&self) -> Vec<NodeId> {
        self.node_ids()
            .filter(|&id| matches!(self.node(id).op, Op::BatchNorm(_)))
            .collect()
    }

    /// The same network for images of another size.
    ///
    /// ```
    /// use nn_graph::{Shape, nets::{Architecture, NetConfig}};
    /// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
    /// let small = graph.for_images(Shape::new([3, 8, 8]))?;
    /// assert_eq!(small.output_shape(), graph.output_shape());
    /// assert_eq!(graph.multiply_adds() / small.multiply_adds(), 15);
    /// # Ok::<(), nn_graph::GraphError>(())
    /// ```
    ///
    /// # Errors
    /// [`GraphError`] if an operation does not accept the shape that it would be given.
    pub fn for_images(&self, images: Shape) -> Result<Self, GraphError> {
        check_elements("the input", &images)?;
        let mut graph = self.clone();
        graph.nodes[0].shape = images;
        for place in 1..graph.nodes.len() {
            let node = &graph.nodes[place];
            let inputs: Vec<&Shape> = (node.inputs.iter())
                .map(|input| &graph.nodes[input.0].shape)
                .collect();
            let shape = result_shape(&node.name, &node.op, &inputs, &graph.parameters)?;
            graph.nodes[place].shape = shape;
        }
        Ok(graph)
    }

    /// The same network with `ε = 0` in every normalisation, where scale invariance is exact.
    #[must_use]
    pub fn without_epsilon(mut self) -> Self {
        for node in &mut self.nodes {
            match &mut node.op {
                Op::BatchNorm(norm) => norm.epsilon = 0.0,
                Op::GroupNorm(norm) => norm.epsilon = 0.0,
                _ => {}
            }
        }
        self
    }

    /// Multiply-adds of one forward pass of one image, in convolutions and linear layers.
    pub fn multiply_adds(&self) -> usize {
        self.nodes
            .iter()
            .map(|node| node.op.multiply_adds(&self.parameters, &node.shape))
            .sum()
    }

    /// Number of parameter elements, trainable or not.
    pub fn parameter_elements(&self) -> usize {
        self.parameters.iter().map(Parameter::elements).sum()
    }
}
