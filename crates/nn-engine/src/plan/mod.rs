//! The graph compiled once: what is computed together, and where gradients live.
//!
//! A [`Plan`] holds no kernel. It says which neighbouring operations form one [`Group`] (one pass
//! over memory), which of its inputs receive a gradient and how, and which gradients may share
//! memory because their lifetimes do not meet. Engines follow it; the counts of work and traffic
//! come from it before anything runs.
//!
//! A group is a *head* with the operations fused behind it, each the only reader of the one before:
//!
//! | head | may be followed by |
//! | --- | --- |
//! | convolution | addition |
//! | batch or group normalisation | addition, ReLU, or both in this order |
//! | addition | ReLU |
//! | any other | – |

mod cost;
mod fusion;
mod gradients;

use nn_graph::{Graph, NodeId};

pub use cost::Cost;

/// What a group's backward pass does with the gradient of one of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientFlow {
    /// Nothing trained lies behind this input.
    None,
    /// The first contribution: overwrite.
    Write,
    /// A further contribution: add to what is there.
    Accumulate,
    /// The gradient of the group's output, in the same memory: nothing to do. Happens to the second
    /// operand of a fused addition, once the group itself has read that gradient.
    Share,
}

/// Operations computed in one go.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The operation that does the work.
    pub head: NodeId,
    /// The fused addition, if any.
    pub add: Option<NodeId>,
    /// The fused ReLU, if any.
    pub relu: Option<NodeId>,
    /// The node whose tensor the group writes: the last of the above.
    pub output: NodeId,
    /// Tensors read: the head's inputs, then the other operand of a fused addition.
    pub inputs: Vec<NodeId>,
    /// For each input, what becomes of its gradient.
    pub gradients: Vec<GradientFlow>,
    /// Work and traffic of the forward pass.
    pub forward: Cost,
    /// Work and traffic of the backward pass.
    pub backward: Cost,
}

/// How to run a graph.
///
/// ```
/// use nn_engine::plan::Plan;
/// use nn_graph::nets::{Architecture, NetConfig};
///
/// let graph = NetConfig::new(Architecture::PreResNet, 32).build()?;
/// let plan = Plan::compile(&graph);
/// // 33 convolutions, 31 normalisations with their ReLUs, pooling and the head.
/// assert_eq!(plan.groups().len(), 33 + 31 + 2);
/// // Gradients of the 66 tensors fit into 11 buffers.
/// assert_eq!(plan.gradient_slots().len(), 11);
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    groups: Vec<Group>,
    gradient_slot: Vec<Option<usize>>,
    gradient_slots: Vec<NodeId>,
}

impl Plan {
    /// Compiles a graph.
    pub fn compile(graph: &Graph) -> Self {
        let mut groups = fusion::groups(graph);
        let (gradient_slot, gradient_slots) = gradients::place(graph, &mut groups);
        for group in &mut groups {
            (group.forward, group.backward) = cost::of_group(graph, group);
        }
        Self {
            groups,
            gradient_slot,
            gradient_slots,
        }
    }

    /// The groups in forward order; the backward pass takes them in reverse.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The gradient buffer of a group's output; `None` where no gradient is needed.
    pub fn gradient_slot(&self, output: NodeId) -> Option<usize> {
        self.gradient_slot[output.index()]
    }

    /// For each gradient buffer, a node of the shape it holds. Buffers are shared only by tensors of
    /// equal shape, so that an engine may keep padding inside them.
    pub fn gradient_slots(&self) -> &[NodeId] {
        &self.gradient_slots
    }

    /// Work and traffic of one image's training step, without the optimiser.
    pub fn cost(&self) -> Cost {
        self.groups.iter().fold(Cost::default(), |sum, group| {
            sum + group.forward + group.backward
        })
    }
}
