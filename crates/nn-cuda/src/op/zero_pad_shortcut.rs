//! `y[c, i, j] = x[c, s·i, s·j]`, and zeros in the channels after.

use nn_engine::plan::Group;
use nn_graph::op::ZeroPadShortcut;

use super::pooling::{self, Window};
use crate::launch::{Kernel, Program};
use crate::pass::Pass;

fn window(shortcut: &ZeroPadShortcut) -> Window {
    Window {
        stride: shortcut.stride,
        ..Window::default()
    }
}

pub(super) fn forward(
    pass: &Pass<'_>,
    group: &Group,
    shortcut: &ZeroPadShortcut,
    program: &mut Program,
) {
    let kernel = (Kernel::ZeroPadForward, 256);
    pooling::forward(pass, group, window(shortcut), kernel, program);
}

pub(super) fn backward(
    pass: &Pass<'_>,
    group: &Group,
    shortcut: &ZeroPadShortcut,
    program: &mut Program,
) {
    let kernel = Kernel::ZeroPadBackward;
    pooling::backward(pass, group, window(shortcut), kernel, program);
}
