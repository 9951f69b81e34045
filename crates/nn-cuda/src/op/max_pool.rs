//! `y[c, i, j] = max_{u,v} x[c, s·i + u − p, s·j + v − p]` over the positions inside the image.

use nn_engine::plan::Group;
use nn_graph::op::MaxPool;

use super::pooling::{self, Window};
use crate::launch::{Kernel, Program};
use crate::pass::Pass;

fn window(pool: &MaxPool) -> Window {
    Window {
        kernel: pool.kernel,
        stride: pool.stride,
        padding: pool.padding,
    }
}

pub(super) fn forward(pass: &Pass<'_>, group: &Group, pool: &MaxPool, program: &mut Program) {
    let kernel = (Kernel::MaxPoolForward, 256);
    pooling::forward(pass, group, window(pool), kernel, program);
}

pub(super) fn backward(pass: &Pass<'_>, group: &Group, pool: &MaxPool, program: &mut Program) {
    pooling::backward(pass, group, window(pool), Kernel::MaxPoolBackward, program);
}
