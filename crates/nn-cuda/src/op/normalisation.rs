//! The phases of a normalisation that the plan does not leave to a neighbour, and the small kernels between them:
//! `kernels/normalisation.cu` and `kernels/statistics.cu`.

use nn_engine::plan::GradientFlow;

use super::{add, batch_norm, group_norm};
use crate::arguments::{Flow, Mask, Span};
use crate::blueprint::Over;
use crate::launch::{Kernel, Program};
use crate::pass::{Pass, Towards, flow, itself};
use crate::{arguments, layout::QUAD};

/// Channels of a block of a pass, and threads of one that treats every value by itself.
const CHANNELS: usize = 16;
const THREADS: usize = 256;

/// What a pass over memory is given.
fn arguments(pass: &Pass<'_>, norm: usize, towards: Towards) -> arguments::Pass {
    let plan = &pass.blueprint.norms[norm];
    let group = &pass.blueprint.plan.groups()[plan.group];
    let addend = group.add.and(group.inputs.last());
    let output = match towards {
        Towards::Output => pass.activation(group.output),
        Towards::Input => pass.gradient(group.output),
    };
    arguments::Pass {
        finish: pass.finish(norm, towards),
        addend: addend.map_or(Span::NONE, |&node| pass.activation(node)),
        output,
        stored: pass.activation(group.output),
        gradient: pass.gradient(plan.input),
        positions: plan.layout.positions() as i32,
        mask: mask(pass, norm),
        flow: flow(group.gradients[0]),
    }
}

/// What lets the gradient through.
pub(super) fn mask(pass: &Pass<'_>, norm: usize) -> Mask {
    let plan = &pass.blueprint.norms[norm];
    let output = pass.blueprint.plan.groups()[plan.group].output;
    match (plan.relu, pass.blueprint.plan.is_stored(output)) {
        (false, _) => Mask::None,
        (true, true) => Mask::Stored,
        (true, false) => Mask::Made,
    }
}

/// A pass that sums over tiles.
fn launch_sums(pass: &Pass<'_>, norm: usize, towards: Towards, program: &mut Program) {
    let layout = pass.blueprint.norms[norm].layout;
    let arguments = arguments(pass, norm, towards);
    let kernel = match towards {
        Towards::Output => Kernel::NormStatistics,
        Towards::Input => Kernel::NormGradientSums,
    };
    let tiles = arguments.finish.partials.tiles as usize;
    let blocks = [pass.images * tiles, layout.stored.div_ceil(CHANNELS)];
    pass.launch(program, kernel, blocks, arguments);
}

/// A pass that treats every value by itself.
fn launch_values(pass: &Pass<'_>, norm: usize, towards: Towards, program: &mut Program) {
    let layout = pass.blueprint.norms[norm].layout;
    let arguments = arguments(pass, norm, towards);
    let kernel = match towards {
        Towards::Output => Kernel::NormOutput,
        Towards::Input => Kernel::NormInputGradient,
    };
    let blocks = [(layout.image() / QUAD).div_ceil(THREADS), pass.images];
    pass.launch(program, kernel, blocks, arguments);
}

pub(super) fn forward(pass: &Pass<'_>, index: usize, program: &mut Program) {
    let blueprint = pass.blueprint;
    let Some(norm) = blueprint.norm(index) else {
        return;
    };
    let Some(phases) = blueprint.plan.groups()[index].phases else {
        return;
    };
    if pass.needs_statistics(norm) && itself(phases.statistics) {
        launch_sums(pass, norm, Towards::Output, program);
    }
    let finish = pass.finish(norm, Towards::Output);
    match blueprint.norms[norm].over {
        Over::Batch => batch_norm::statistics(pass, finish, program),
        Over::Groups(_) => group_norm::statistics(pass, finish, program),
    }
    if itself(phases.output) {
        launch_values(pass, norm, Towards::Output, program);
    }
}

pub(super) fn backward(pass: &Pass<'_>, index: usize, program: &mut Program) {
    let blueprint = pass.blueprint;
    let group = &blueprint.plan.groups()[index];
    let (Some(norm), Some(phases)) = (blueprint.norm(index), group.phases) else {
        return;
    };
    if itself(phases.gradient_sums) {
        launch_sums(pass, norm, Towards::Input, program);
    }
    if let Over::Groups(_) = blueprint.norms[norm].over {
        group_norm::gradients(pass, pass.finish(norm, Towards::Input), program);
    }
    if itself(phases.input_gradient) && group.gradients[0] != GradientFlow::None {
        input_gradient(pass, norm, program);
    }
    // A shared operand already holds the gradient, masked by the ReLU.
    if let (Some(_), Some(&addend)) = (group.add, group.inputs.last()) {
        let how = group.gradients[group.inputs.len() - 1];
        add::pass_on(pass, (group.output, addend), how, program);
    }
}

/// The gradient of a normalisation's input, in its place.
pub(super) fn input_gradient(pass: &Pass<'_>, norm: usize, program: &mut Program) {
    debug_assert_ne!(arguments(pass, norm, Towards::Input).flow, Flow::None);
    launch_values(pass, norm, Towards::Input, program);
}
