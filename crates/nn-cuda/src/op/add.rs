//! `y = a + b`, then perhaps ReLU, where neither operand could take the sum along: `kernels/pointwise.cu`.

use nn_engine::plan::{GradientFlow, Group};
use nn_graph::NodeId;

use crate::arguments::{Flow, Pointwise, Span};
use crate::launch::{Kernel, Program};
use crate::layout::QUAD;
use crate::pass::{Pass, flow};

/// What a pointwise operation reads.
pub(super) struct Operands {
    nodes: Vec<(NodeId, GradientFlow)>,
    relu: bool,
}

impl Operands {
    pub(super) fn of(group: &Group, relu: bool) -> Self {
        let flows = group.gradients.iter().copied();
        Self {
            nodes: group.inputs.iter().copied().zip(flows).collect(),
            relu,
        }
    }
}

const THREADS: usize = 256;

fn launch(
    pass: &Pass<'_>,
    node: NodeId,
    kernel: Kernel,
    arguments: Pointwise,
    program: &mut Program,
) {
    let values = pass.images * pass.blueprint.layout(node).image();
    let arguments = Pointwise {
        values: values as u64,
        ..arguments
    };
    let blocks = [(values / QUAD).div_ceil(THREADS), 1];
    pass.launch(program, kernel, blocks, arguments);
}

pub(super) fn launch_forward(
    pass: &Pass<'_>,
    group: &Group,
    operands: &Operands,
    program: &mut Program,
) {
    let operand = |index: usize| {
        let node = operands.nodes.get(index);
        node.map_or(Span::NONE, |&(node, _)| pass.activation(node))
    };
    let arguments = Pointwise {
        first: operand(0),
        second: operand(1),
        result: pass.activation(group.output),
        relu: i32::from(operands.relu),
        ..Pointwise::default()
    };
    launch(
        pass,
        group.output,
        Kernel::PointwiseForward,
        arguments,
        program,
    );
}

pub(super) fn launch_backward(
    pass: &Pass<'_>,
    group: &Group,
    operands: &Operands,
    program: &mut Program,
) {
    let operand = |index: usize| match operands.nodes.get(index) {
        Some(&(node, how)) => (pass.gradient(node), flow(how)),
        None => (Span::NONE, Flow::None),
    };
    let ((first_gradient, first_flow), (second_gradient, second_flow)) = (operand(0), operand(1));
    let arguments = Pointwise {
        stored: pass.activation(group.output),
        gradient: pass.gradient(group.output),
        first_gradient,
        second_gradient,
        relu: i32::from(operands.relu),
        first_flow,
        second_flow,
        ..Pointwise::default()
    };
    launch(
        pass,
        group.output,
        Kernel::PointwiseBackward,
        arguments,
        program,
    );
}

pub(super) fn forward(pass: &Pass<'_>, group: &Group, program: &mut Program) {
    launch_forward(
        pass,
        group,
        &Operands::of(group, group.relu.is_some()),
        program,
    );
}

pub(super) fn backward(pass: &Pass<'_>, group: &Group, program: &mut Program) {
    launch_backward(
        pass,
        group,
        &Operands::of(group, group.relu.is_some()),
        program,
    );
}

/// Moves a finished gradient into that of a fused addition's other operand: overwrites, adds, or finds it there.
pub(super) fn pass_on(
    pass: &Pass<'_>,
    (from, to): (NodeId, NodeId),
    how: GradientFlow,
    program: &mut Program,
) {
    let first_flow = flow(how);
    if first_flow == Flow::None {
        return;
    }
    let arguments = Pointwise {
        gradient: pass.gradient(from),
        first_gradient: pass.gradient(to),
        first_flow,
        ..Pointwise::default()
    };
    launch(pass, from, Kernel::PointwiseBackward, arguments, program);
}
