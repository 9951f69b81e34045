//! Arithmetic and memory traffic, counted.

use std::ops::Add;

use nn_graph::{Graph, NodeId, Op};

use super::phases::left_to;
use super::{By, GradientFlow, Group, Phases};

/// Work and traffic of one image; what exceeds 64 bits is counted as [`u64::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Cost {
    /// Floating-point operations in convolutions and linear layers (a multiply-add counts two); the
    /// rest is bound by memory.
    pub flops: u64,
    /// Values of activations and gradients read or written, each tensor once a pass.
    pub elements: u64,
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Self) -> Self {
        Self {
            flops: self.flops.saturating_add(other.flops),
            elements: self.elements.saturating_add(other.elements),
        }
    }
}

/// Forward and backward cost of a group whose flows and phases are known.
pub(super) fn of_group(graph: &Graph, groups: &[Group], index: usize) -> (Cost, Cost) {
    let group = &groups[index];
    let head = graph.node(group.head);
    let multiply_adds = head.op.multiply_adds(graph.parameters(), &head.shape) as u64;
    let flops = multiply_adds.saturating_mul(2);
    let trained = head
        .op
        .parameters()
        .iter()
        .any(|&id| graph.parameter(id).trainable);
    let data_gradient = group
        .gradients
        .first()
        .is_some_and(|&flow| flow != GradientFlow::None);
    let (forward, backward) = match &group.phases {
        Some(phases) => normalisation_elements(graph, group, phases),
        None => elements(graph, groups, index),
    };
    let forward = Cost {
        flops,
        elements: forward,
    };
    let backward = Cost {
        flops: flops.saturating_mul(u64::from(trained) + u64::from(data_gradient)),
        elements: if group.trains { backward } else { 0 },
    };
    (forward, backward)
}

fn size(graph: &Graph, id: NodeId) -> u64 {
    graph.node(id).shape.elements() as u64
}

/// Values of an input's gradient that are read or written.
fn flow(graph: &Graph, input: NodeId, flow: GradientFlow) -> u64 {
    match flow {
        GradientFlow::None | GradientFlow::Share => 0,
        GradientFlow::Write => size(graph, input),
        GradientFlow::Accumulate => 2 * size(graph, input),
    }
}

/// Of a group that is no normalisation, forward and backward. What an input is made anew from has the input's size.
fn elements(graph: &Graph, groups: &[Group], index: usize) -> (u64, u64) {
    let group = &groups[index];
    let inputs: u64 = group.inputs.iter().map(|&input| size(graph, input)).sum();
    let output = size(graph, group.output);
    let flows = group.inputs.iter().zip(&group.gradients);
    let flows: u64 = flows.map(|(&input, &how)| flow(graph, input, how)).sum();
    // The gradient of the output, or all that it is made from and, where it is kept, the result.
    let pending = left_to(groups, index, |phases| phases.input_gradient);
    let gradient = pending.map_or(output, |from| {
        let kept = group.add.is_some() || groups[from].gradients[0] == GradientFlow::Accumulate;
        let added = flow(graph, group.output, groups[from].gradients[0]);
        2 * output + if kept { added } else { 0 }
    });
    // Backward, an addition needs no values, and whoever else reads two tensors adds the second.
    let read = match graph.node(group.head).op {
        Op::Add if group.relu.is_some() => 2 * output,
        Op::Add => 0,
        _ => size(graph, group.inputs[0]),
    };
    (inputs + output, read + gradient + flows)
}

/// Of a normalisation, forward and backward: the phases that it does itself.
fn normalisation_elements(graph: &Graph, group: &Group, phases: &Phases) -> (u64, u64) {
    let own = |by: By, elements: u64| if by == By::Itself { elements } else { 0 };
    let inputs: u64 = group.inputs.iter().map(|&input| size(graph, input)).sum();
    let (input, output) = (size(graph, group.inputs[0]), size(graph, group.output));
    let forward = own(phases.statistics, input) + own(phases.output, inputs + output);
    // The mask reads the result, and changes the gradient.
    let mask = if group.relu.is_some() { 2 * output } else { 0 };
    let mut flows = group.inputs.iter().zip(&group.gradients);
    let first = flows.next().map_or(0, |(&id, &how)| flow(graph, id, how));
    let rest: u64 = flows.map(|(&id, &how)| flow(graph, id, how)).sum();
    let backward = own(phases.gradient_sums, input + output + mask)
        + own(phases.input_gradient, input + output + first)
        + rest;
    (forward, backward)
}
