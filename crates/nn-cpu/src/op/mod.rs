//! The operations: one file each, forward and backward.
//!
//! A [`Step`] is one group of the plan, ready to run: it knows the layouts and indices of its
//! tensors and owns what it must remember from the forward to the backward pass. To add an
//! operation, write its file and name it in [`compile`].

mod add;
mod conv2d;
mod global_average_pool;
mod linear;
mod max_pool;
mod normalisation;
mod relu;
mod zero_pad_shortcut;

use nn_engine::EngineError;
use nn_engine::plan::GradientFlow;
use nn_graph::Op;

use self::normalisation::NormStep;
use crate::compiling::{Compiling, Tensor};
use crate::workspace::{Pass, Scratch};

/// One group of the plan.
pub(crate) trait Step: Send {
    /// Computes the group's output from its inputs.
    fn forward(&mut self, pass: &mut Pass<'_>);

    /// From the gradient of the output, the gradients of the parameters and of the inputs.
    fn backward(&mut self, pass: &mut Pass<'_>);

    /// Scratch space it needs for each chunk.
    fn scratch(&self) -> Scratch {
        Scratch::default()
    }

    /// Bytes it owns.
    fn bytes(&self) -> usize {
        0
    }
}

/// The step of a group.
///
/// # Errors
/// [`EngineError::Unsupported`] for an operation this engine does not have, [`EngineError::Memory`]
/// where the system has no room for what the step owns.
pub(crate) fn compile(context: &Compiling<'_>, index: usize) -> Result<Box<dyn Step>, EngineError> {
    let group = &context.plan.groups()[index];
    let node = context.graph.node(group.head);
    if let (Some(phases), Some(norm)) = (group.phases, context.norm(index)) {
        return Ok(Box::new(NormStep::new(context, group, phases, norm)));
    }
    Ok(match &node.op {
        Op::Conv2d(conv) => Box::new(conv2d::ConvStep::new(context, index, conv)?),
        Op::Linear(linear) => Box::new(linear::LinearStep::new(context, group, linear)),
        Op::Relu => Box::new(relu::ReluStep::new(context, group)),
        Op::Add => Box::new(add::AddStep::new(context, group)),
        Op::GlobalAveragePool => Box::new(global_average_pool::PoolStep::new(context, group)),
        Op::MaxPool(pool) => Box::new(max_pool::MaxPoolStep::new(context, group, pool)),
        Op::ZeroPadShortcut(shortcut) => Box::new(zero_pad_shortcut::ShortcutStep::new(
            context, group, shortcut,
        )),
        other => {
            return Err(EngineError::Unsupported {
                engine: "nn-cpu",
                node: node.name.clone(),
                op: other.name(),
                why: "this engine has no kernel for it".into(),
            });
        }
    })
}

/// Moves a finished contribution into an input's gradient: overwrites or adds, position by position.
fn pass_on(pass: &mut Pass<'_>, from: usize, to: &Tensor) {
    if matches!(to.flow, GradientFlow::None | GradientFlow::Share) {
        return;
    }
    pass.map_gradient(to, |workspace, first, target| {
        let source = &workspace.gradients[from][first * to.layout.image()..][..target.len()];
        match to.flow {
            GradientFlow::Write => target.copy_from_slice(source),
            _ => target
                .iter_mut()
                .zip(source)
                .for_each(|(to, from)| *to += from),
        }
    });
}
