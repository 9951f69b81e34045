//! Statistics of each channel over the whole batch.

use crate::arguments::Finish;
use crate::launch::{Kernel, Program};
use crate::pass::{Mode, Pass};

/// Channels of a block.
const CHANNELS: usize = 4;

/// From sums over tiles, or from the running statistics, what the batch is normalised with.
pub(super) fn statistics(pass: &Pass<'_>, arguments: Finish, program: &mut Program) {
    let stored = arguments.norm.stored as usize;
    let (kernel, blocks) = match pass.mode {
        Mode::Train => (Kernel::BatchStatistics, stored / CHANNELS),
        Mode::Evaluate => (Kernel::RunningStatistics, stored.div_ceil(64)),
    };
    pass.launch(program, kernel, [blocks, 1], arguments);
}

/// From sums over tiles, the gradients of scale and shift, and what the gradient of the input subtracts.
pub(super) fn gradients(pass: &Pass<'_>, arguments: Finish, program: &mut Program) {
    let blocks = arguments.norm.stored as usize / CHANNELS;
    pass.launch(program, Kernel::BatchGradients, [blocks, 1], arguments);
}
