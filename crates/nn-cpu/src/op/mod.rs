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
use nn_engine::plan::{GradientFlow, Group, Plan};
use nn_graph::{Graph, NodeId, Op};

use crate::layout::Layout;
use crate::workspace::{Pass, Scratch};

use normalisation::{NormStep, Over};

pub(crate) use normalisation::{Norm, norms};

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

    fn input(&self, group: &Group, position: usize) -> Tensor {
        self.tensor(group.inputs[position], group.gradients[position])
    }

    fn output(&self, group: &Group) -> Tensor {
        self.tensor(group.output, GradientFlow::None)
    }

    /// Position of the normalisation that this group is among those of the graph, and of the workspace.
    fn norm(&self, group: usize) -> Option<usize> {
        let groups = self.plan.groups();
        let before = groups[..group]
            .iter()
            .filter(|group| group.phases.is_some());
        groups[group].phases.map(|_| before.count())
    }

    /// The second operand of a fused addition.
    fn addend(&self, group: &Group) -> Option<Tensor> {
        group.add.map(|_| self.input(group, group.inputs.len() - 1))
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

/// Bytes that normalisations keep for each image of a batch.
pub(crate) fn bytes_per_image(graph: &Graph, layouts: &[Layout]) -> u128 {
    let nodes = graph.nodes().iter().zip(layouts);
    nodes
        .map(|(node, layout)| match &node.op {
            Op::BatchNorm(_) => Norm::bytes_per_image(layout, Over::Batch),
            Op::GroupNorm(norm) => Norm::bytes_per_image(layout, Over::Groups(norm.groups)),
            _ => 0,
        })
        .sum()
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
