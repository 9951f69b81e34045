//! Statistics of each channel over the whole batch.

use crate::arguments::Finish;
use crate::launch::{Kernel, Program};
use crate::pass::{Mode, Pass};

/// In evaluation, from the running statistics, what the batch is normalised with; in training, the launch that finds the sums
/// puts them together, too.
pub(super) fn statistics(pass: &Pass<'_>, arguments: Finish, program: &mut Program) {
    if pass.mode == Mode::Evaluate {
        let blocks = (arguments.norm.stored as usize).div_ceil(64);
        pass.launch(program, Kernel::RunningStatistics, [blocks, 1], arguments);
    }
}
