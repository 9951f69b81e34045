//! Statistics of each image over groups of its channels. The same in training and evaluation.

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

/// From sums over tiles, what the gradient of each image subtracts.
pub(super) fn gradients(pass: &Pass<'_>, arguments: Finish, program: &mut Program) {
    pass.launch(program, Kernel::GroupGradients, [pass.images, 1], arguments);
}
