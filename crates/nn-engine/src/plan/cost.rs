//! Arithmetic and memory traffic, counted.

use std::ops::Add;

use nn_graph::{Graph, NodeId, Op};

use super::{GradientFlow, Group};

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

/// Forward and backward cost of a group whose flows are known.
pub(super) fn of_group(graph: &Graph, group: &Group) -> (Cost, Cost) {
    let elements = |id: NodeId| graph.node(id).shape.elements() as u64;
    let inputs: u64 = group.inputs.iter().map(|&input| elements(input)).sum();
    let output = elements(group.output);
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
    // Statistics, and their gradients, are each a pass of their own.
    let passes = if matches!(head.op, Op::BatchNorm(_) | Op::GroupNorm(_)) {
        2
    } else {
        1
    };
    let forward = Cost {
        flops,
        elements: passes * inputs + output,
    };
    let gradients = group
        .inputs
        .iter()
        .zip(&group.gradients)
        .map(|(&input, flow)| match flow {
            GradientFlow::None | GradientFlow::Share => 0,
            GradientFlow::Write => elements(input),
            GradientFlow::Accumulate => 2 * elements(input),
        });
    let backward = Cost {
        flops: flops.saturating_mul(u64::from(trained) + u64::from(data_gradient)),
        elements: passes * (inputs + output) + gradients.sum::<u64>(),
    };
    (forward, backward)
}
