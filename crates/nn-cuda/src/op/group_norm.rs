//! Statistics of each image over groups of its channels. The same in training and evaluation.

use super::batch_norm;
use crate::arguments::Finish;
use crate::launch::{Kernel, Program};
use crate::pass::Pass;

/// From sums over tiles, what each image is normalised with.
pub(super) fn statistics(pass: &Pass<'_>, arguments: Finish, program: &mut Program) {
    pass.launch(
        program,
        Kernel::GroupStatistics,
        [pass.images, 1],
        arguments,
    );
}

/// From sums over tiles, the gradients of scale and shift where there are any, and what the gradient of each image
/// subtracts.
pub(super) fn gradients(pass: &Pass<'_>, arguments: Finish, program: &mut Program) {
    if arguments.scale_gradient.first != 0 || arguments.shift_gradient.first != 0 {
        batch_norm::gradients(pass, arguments, program);
    }
    pass.launch(program, Kernel::GroupGradients, [pass.images, 1], arguments);
}
