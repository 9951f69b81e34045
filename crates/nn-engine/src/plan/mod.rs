//! The graph compiled once: what is computed together, and where gradients live.
//!
//! A [`Plan`] holds no kernel. It says which neighbouring operations form one [`Group`], which phases of a normalisation
//! the convolutions beside it do on the way ([`Phases`]), which of a group's inputs receive a gradient and how, and which
//! gradients may share memory because their lifetimes do not meet. Engines follow it; the counts of work and traffic
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
mod phases;

use nn_graph::{Graph, NodeId};

pub use cost::Cost;
pub use phases::{By, Phases};

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
    /// For each input, what becomes of its gradient. Where a normalisation's
    /// [`input_gradient`](Phases::input_gradient) is left to a neighbour, what that neighbour does with it.
    pub gradients: Vec<GradientFlow>,
    /// Of a normalisation, who does what.
    pub phases: Option<Phases>,
    /// Whether a gradient reaches the output.
    pub trains: bool,
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
/// // Of the 66 tensors 36 are kept: 30 normalised ones are made anew where they are read.
/// let kept = plan.groups().iter().filter(|group| plan.is_stored(group.output)).count();
/// assert_eq!(kept, 36);
/// // Their gradients fit into 11 buffers.
/// assert_eq!(plan.gradient_slots().len(), 11);
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    groups: Vec<Group>,
    /// Of each node, the group that writes it.
    writer: Vec<Option<usize>>,
    gradient_slot: Vec<Option<usize>>,
    gradient_slots: Vec<NodeId>,
}

impl Plan {
    /// Compiles a graph.
    pub fn compile(graph: &Graph) -> Self {
        let mut groups = fusion::groups(graph);
        let mut writer = vec![None; graph.nodes().len()];
        for (index, group) in groups.iter().enumerate() {
            writer[group.output.index()] = Some(index);
        }
        phases::assign(graph, &mut groups, &writer);
        let (gradient_slot, gradient_slots) = gradients::place(graph, &mut groups, &writer);
        for index in 0..groups.len() {
            (groups[index].forward, groups[index].backward) = cost::of_group(graph, &groups, index);
        }
        Self {
            groups,
            writer,
            gradient_slot,
            gradient_slots,
        }
    }

    /// The groups in forward order; the backward pass takes them in reverse.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The group that writes a node's tensor: none for the input, and for nodes inside a group.
    pub fn writer(&self, node: NodeId) -> Option<usize> {
        self.writer[node.index()]
    }

    /// Whether a group's output is kept in memory; otherwise its readers make it anew.
    pub fn is_stored(&self, output: NodeId) -> bool {
        let writer = self.writer(output).map(|group| &self.groups[group]);
        let phases = writer.and_then(|group| group.phases.as_ref());
        phases.is_none_or(|phases| phases.output == By::Itself)
    }

    /// The gradient buffer of a group's output; `None` where no gradient is needed, or where none is kept because all
    /// of it is left to the group itself by a normalisation ([`pending`](Self::pending)).
    pub fn gradient_slot(&self, output: NodeId) -> Option<usize> {
        self.gradient_slot[output.index()]
    }

    /// The normalisation that reads a group's output and leaves it the last contribution to that output's gradient:
    /// the group makes it before it goes on.
    pub fn pending(&self, group: usize) -> Option<usize> {
        phases::left_to(&self.groups, group, |phases| phases.input_gradient)
            .filter(|&from| self.groups[from].gradients[0] != GradientFlow::None)
    }

    /// The normalisation for which a group sums statistics over its output as it writes it.
    pub fn statistics_for(&self, group: usize) -> Option<usize> {
        phases::left_to(&self.groups, group, |phases| phases.statistics)
    }

    /// The normalisation that wrote a group's first input, for which the group masks that input's gradient and sums over
    /// it as it completes it.
    pub fn gradient_sums_for(&self, group: usize) -> Option<usize> {
        let input = *self.groups[group].inputs.first()?;
        let writer = self.writer(input)?;
        let phases = self.groups[writer].phases.as_ref()?;
        (phases.gradient_sums == By::Neighbour(group)).then_some(writer)
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
