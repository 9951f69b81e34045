//! What is known while the graph is made ready to run, and the tensors that its steps read and write.

use nn_engine::plan::{GradientFlow, Group, Plan};
use nn_graph::{Graph, NodeId};

use crate::layout::Layout;

/// A tensor that a step reads or writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensor {
    /// Index of its activation buffer.
    pub(crate) node: usize,
    /// Index of its gradient buffer, where it has one.
    pub(crate) slot: Option<usize>,
    pub(crate) layout: Layout,
    /// For an input: what the step does with its gradient.
    pub(crate) flow: GradientFlow,
}

/// What compilation of one group sees.
pub(crate) struct Compiling<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) plan: &'a Plan,
    pub(crate) layouts: &'a [Layout],
    /// Images of the largest batch.
    pub(crate) batch_size: usize,
    pub(crate) threads: usize,
}

impl Compiling<'_> {
    fn tensor(&self, id: NodeId, flow: GradientFlow) -> Tensor {
        let slot = self.plan.gradient_slot(id);
        Tensor {
            node: id.index(),
            slot,
            layout: self.layouts[id.index()],
            flow,
        }
    }

    pub(crate) fn input(&self, group: &Group, position: usize) -> Tensor {
        self.tensor(group.inputs[position], group.gradients[position])
    }

    pub(crate) fn output(&self, group: &Group) -> Tensor {
        self.tensor(group.output, GradientFlow::None)
    }

    /// Position of the normalisation that this group is among those of the graph, and of the workspace.
    pub(crate) fn norm(&self, group: usize) -> Option<usize> {
        let groups = self.plan.groups();
        let before = groups[..group]
            .iter()
            .filter(|group| group.phases.is_some());
        groups[group].phases.map(|_| before.count())
    }

    /// The second operand of a fused addition.
    pub(crate) fn addend(&self, group: &Group) -> Option<Tensor> {
        group.add.map(|_| self.input(group, group.inputs.len() - 1))
    }
}
