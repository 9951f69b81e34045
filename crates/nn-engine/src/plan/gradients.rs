//! Where gradients live: buffers shared by tensors whose lifetimes do not meet.
//!
//! The gradient of a tensor lives from the backward pass of its last reader (the first contribution)
//! to the backward pass of the group that computed it. Where a normalisation leaves the gradient of its input to the
//! group that wrote that input, the gradient of its output lives on until then.

use nn_graph::{Graph, NodeId, Op};

use super::phases::left_to;
use super::{By, GradientFlow, Group};

/// Enters every group's flows; returns the buffer of each node's gradient, and for each buffer a
/// node of its shape.
pub(super) fn place(
    graph: &Graph,
    groups: &mut [Group],
    writer: &[Option<usize>],
) -> (Vec<Option<usize>>, Vec<NodeId>) {
    let needed = needs_gradient(graph);
    let mut pool = Pool::default();
    let mut slots = vec![None; graph.nodes().len()];
    if needed[graph.output().index()] {
        slots[graph.output().index()] = Some(pool.take(graph, graph.output()));
    }
    for index in (0..groups.len()).rev() {
        let pending = left_to(groups, index, |phases| phases.input_gradient)
            .filter(|_| needed[groups[index].output.index()])
            .map(|normalisation| &groups[normalisation]);
        let handed_on = pending.is_some_and(|from| from.gradients.contains(&GradientFlow::Share));
        let pending = pending.and_then(|from| slots[from.output.index()]);
        let own = slots[groups[index].output.index()];
        groups[index].trains = own.is_some() || pending.is_some();
        if !groups[index].trains {
            groups[index].gradients = vec![GradientFlow::None; groups[index].inputs.len()];
            continue;
        }
        let shared = enter_flows(
            graph,
            groups,
            writer,
            index,
            &needed,
            (&mut slots, &mut pool),
        );
        let flows = groups[index].gradients[0] != GradientFlow::None;
        let kept = flows && leaves_input_gradient(&groups[index]);
        if let Some(own) = own.filter(|_| !shared && !kept) {
            pool.give_back(own);
        }
        if let Some(pending) = pending.filter(|_| !handed_on) {
            pool.give_back(pending);
        }
    }
    (slots, pool.slots)
}

/// Enters one group's flows; returns whether an input now has the output's buffer.
fn enter_flows(
    graph: &Graph,
    groups: &mut [Group],
    writer: &[Option<usize>],
    index: usize,
    needed: &[bool],
    (slots, pool): (&mut [Option<usize>], &mut Pool),
) -> bool {
    let own = slots[groups[index].output.index()];
    let mut shared = false;
    let last = groups[index].inputs.len() - 1;
    for position in 0..=last {
        let input = groups[index].inputs[position];
        let operand_of_fused_add = groups[index].add.is_some() && position == last;
        let slot = &mut slots[input.index()];
        let flow = if !needed[input.index()] {
            GradientFlow::None
        } else if slot.is_some() {
            GradientFlow::Accumulate
        } else if operand_of_fused_add && own.is_some() {
            *slot = own;
            shared = true;
            GradientFlow::Share
        } else {
            let left = position == 0 && leaves_input_gradient(&groups[index]);
            // What is left to a group that hands nothing on needs no memory: it is made where it is read.
            if !left || writer[input.index()].is_none_or(|writer| groups[writer].add.is_some()) {
                *slot = Some(pool.take(graph, input));
            }
            GradientFlow::Write
        };
        groups[index].gradients.push(flow);
    }
    shared
}

/// Whether a group is a normalisation that leaves its input's gradient to a neighbour.
fn leaves_input_gradient(group: &Group) -> bool {
    let phases = group.phases.as_ref();
    phases.is_some_and(|phases| phases.input_gradient != By::Itself)
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
