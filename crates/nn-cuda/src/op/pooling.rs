//! What operations have in common that move values between positions: `kernels/pooling.cu`.

use nn_engine::plan::Group;

use crate::arguments::{Flow, Pool, Sizes};
use crate::launch::{Kernel, Program};
use crate::layout::{Layout, QUAD};
use crate::pass::{Pass, flow};

/// Sizes of two tensors.
pub(super) fn sizes(input: Layout, output: Layout) -> Sizes {
    Sizes {
        in_height: input.height as i32,
        in_width: input.width as i32,
        in_channels: input.stored as i32,
        out_height: output.height as i32,
        out_width: output.width as i32,
        out_channels: output.stored as i32,
        ..Sizes::default()
    }
}

/// The window of a pooling, or its stride alone.
#[derive(Clone, Copy, Default)]
pub(super) struct Window {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

fn arguments(pass: &Pass<'_>, group: &Group, window: Window) -> Pool {
    let input = pass.blueprint.layout(group.inputs[0]);
    Pool {
        input: pass.activation(group.inputs[0]),
        output: pass.activation(group.output),
        gradient: pass.gradient(group.output),
        input_gradient: pass.gradient(group.inputs[0]),
        sizes: Sizes {
            kernel: window.kernel as i32,
            stride: window.stride as i32,
            padding: window.padding as i32,
            ..sizes(input, pass.blueprint.layout(group.output))
        },
        images: pass.images as i32,
        channels: input.channels as i32,
        flow: flow(group.gradients[0]),
    }
}

/// A launch with a thread for every four channels of every position of the output.
pub(super) fn forward(
    pass: &Pass<'_>,
    group: &Group,
    window: Window,
    (kernel, threads): (Kernel, usize),
    program: &mut Program,
) {
    let quads = pass.images * pass.blueprint.layout(group.output).image() / QUAD;
    let arguments = arguments(pass, group, window);
    pass.launch(program, kernel, [quads.div_ceil(threads), 1], arguments);
}

/// The same for the input, where it has a gradient.
pub(super) fn backward(
    pass: &Pass<'_>,
    group: &Group,
    window: Window,
    kernel: Kernel,
    program: &mut Program,
) {
    let arguments = arguments(pass, group, window);
    if arguments.flow == Flow::None {
        return;
    }
    let quads = pass.images * pass.blueprint.layout(group.inputs[0]).image() / QUAD;
    pass.launch(program, kernel, [quads.div_ceil(256), 1], arguments);
}
