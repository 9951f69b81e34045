//! Where gradients live: buffers shared by tensors whose lifetimes do not meet.
//!
//! The gradient of a tensor lives from the backward pass of its last reader (the first contribution)
//! to the backward pass of the group that computed it.

use nn_graph::{Graph, NodeId, Op};

use super::{GradientFlow, Group};

/// Enters every group's flows; returns the buffer of each node's gradient, and for each buffer a
/// node of its shape.
pub(super) fn place(graph: &Graph, groups: &mut [Group]) -> (Vec<Option<usize>>, Vec<NodeId>) {
    let needed = needs_gradient(graph);
    let mut pool = Pool::default();
    let mut slots = vec![None; graph.nodes().len()];
    if needed[graph.output().index()] {
        slots[graph.output().index()] = Some(pool.take(graph, graph.output()));
    }
    for group in groups.iter_mut().rev() {
        let Some(own) = slots[group.output.index()] else {
            group.gradients = vec![GradientFlow::None; group.inputs.len()];
            continue;
        };
        let mut shared = false;
        let last = group.inputs.len() - 1;
        for (position, &input) in group.inputs.iter().enumerate() {
            let slot = &mut slots[input.index()];
            let operand_of_fused_add = group.add.is_some() && position == last;
            let flow = if !needed[input.index()] {
                GradientFlow::None
            } else if slot.is_some() {
                GradientFlow::Accumulate
            } else if operand_of_fused_add {
                *slot = Some(own);
                shared = true;
                GradientFlow::Share
            } else {
                *slot = Some(pool.take(graph, input));
                GradientFlow::Write
            };
            group.gradients.push(flow);
        }
        if !shared {
            pool.give_back(own);
        }
    }
    (slots, pool.slots)
}

/// Whether something trained lies at or behind each node.
fn needs_gradient(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes().len()];
    for id in graph.node_ids() {
        let node = graph.node(id);
        let trained = node
            .op
            .parameters()
            .iter()
            .any(|&id| graph.parameter(id).trainable);
        needed[id.index()] = node.op != Op::Input
            && (trained || node.inputs.iter().any(|input| needed[input.index()]));
    }
    needed
}

/// Buffers in use and free ones.
#[derive(Default)]
struct Pool {
    slots: Vec<NodeId>,
    free: Vec<usize>,
}

impl Pool {
    fn take(&mut self, graph: &Graph, node: NodeId) -> usize {
        let shape = &graph.node(node).shape;
        let fits = |&slot: &usize| graph.node(self.slots[slot]).shape == *shape;
        match self.free.iter().rposition(fits) {
            Some(position) => self.free.swap_remove(position),
            None => {
                self.slots.push(node);
                self.slots.len() - 1
            }
        }
    }

    fn give_back(&mut self, slot: usize) {
        self.free.push(slot);
    }
}
