//! The operations: one file each, forward and backward. To add one, write its file and name it in [`forward`],
//! [`backward`] and [`check`].

mod add;
mod batch_norm;
pub(crate) mod conv2d;
mod global_average_pool;
mod group_norm;
mod linear;
mod max_pool;
mod normalisation;
mod pooling;
mod relu;
mod zero_pad_shortcut;

use nn_engine::EngineError;
use nn_graph::{Graph, Op};

use crate::launch::Program;
use crate::pass::Pass;

/// Launches that compute a group's output from its inputs.
pub(crate) fn forward(pass: &Pass<'_>, index: usize, program: &mut Program) {
    let group = &pass.blueprint.plan.groups()[index];
    match &pass.blueprint.graph.node(group.head).op {
        Op::Conv2d(_) | Op::Linear(_) => conv2d::forward(pass, index, program),
        Op::BatchNorm(_) | Op::GroupNorm(_) => normalisation::forward(pass, index, program),
        Op::Relu => relu::forward(pass, group, program),
        Op::Add => add::forward(pass, group, program),
        Op::GlobalAveragePool => global_average_pool::forward(pass, group, program),
        Op::MaxPool(pool) => max_pool::forward(pass, group, pool, program),
        Op::ZeroPadShortcut(shortcut) => zero_pad_shortcut::forward(pass, group, shortcut, program),
        // Refused by `check`.
        _ => {}
    }
}

/// Launches that compute, from the gradient of a group's output, those of its parameters and inputs.
pub(crate) fn backward(pass: &Pass<'_>, index: usize, program: &mut Program) {
    let group = &pass.blueprint.plan.groups()[index];
    match &pass.blueprint.graph.node(group.head).op {
        Op::Conv2d(_) | Op::Linear(_) => conv2d::backward(pass, index, program),
        Op::BatchNorm(_) | Op::GroupNorm(_) => normalisation::backward(pass, index, program),
        Op::Relu => relu::backward(pass, group, program),
        Op::Add => add::backward(pass, group, program),
        Op::GlobalAveragePool => global_average_pool::backward(pass, group, program),
        Op::MaxPool(pool) => max_pool::backward(pass, group, pool, program),
        Op::ZeroPadShortcut(shortcut) => {
            zero_pad_shortcut::backward(pass, group, shortcut, program);
        }
        _ => {}
    }
}

/// Checks that every operation has kernels.
///
/// # Errors
/// [`EngineError::Unsupported`].
pub(crate) fn check(graph: &Graph) -> Result<(), EngineError> {
    for node in graph.nodes() {
        match node.op {
            Op::Input
            | Op::Conv2d(_)
            | Op::Linear(_)
            | Op::BatchNorm(_)
            | Op::GroupNorm(_)
            | Op::Relu
            | Op::Add
            | Op::GlobalAveragePool
            | Op::MaxPool(_)
            | Op::ZeroPadShortcut(_) => {}
            ref other => {
                return Err(EngineError::Unsupported {
                    engine: "nn-cuda",
                    node: node.name.clone(),
                    op: other.name(),
                    why: "this engine has no kernel for it".into(),
                });
            }
        }
    }
    Ok(())
}
