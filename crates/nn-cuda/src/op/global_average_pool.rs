//! `y[c] = (1/HW) Σ_{i,j} x[c, i, j]`.

use nn_engine::plan::Group;

use super::pooling::{self, Window};
use crate::launch::{Kernel, Program};
use crate::pass::Pass;

pub(super) fn forward(pass: &Pass<'_>, group: &Group, program: &mut Program) {
    let kernel = (Kernel::AveragePoolForward, 64);
    pooling::forward(pass, group, Window::default(), kernel, program);
}

pub(super) fn backward(pass: &Pass<'_>, group: &Group, program: &mut Program) {
    let kernel = Kernel::AveragePoolBackward;
    pooling::backward(pass, group, Window::default(), kernel, program);
}
