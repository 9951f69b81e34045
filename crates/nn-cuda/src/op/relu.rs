//! `y = max(x, 0)` where no normalisation or addition could take it along: `kernels/pointwise.cu`.

use nn_engine::plan::Group;

use super::add::{self, Operands};
use crate::launch::Program;
use crate::pass::Pass;

pub(super) fn forward(pass: &Pass<'_>, group: &Group, program: &mut Program) {
    add::launch_forward(pass, group, &Operands::of(group, true), program);
}

pub(super) fn backward(pass: &Pass<'_>, group: &Group, program: &mut Program) {
    add::launch_backward(pass, group, &Operands::of(group, true), program);
}
