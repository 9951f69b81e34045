//! `y[c, i, j] = x[c, s·i, s·j]`, channels beyond those of `x` zero.

use nn_engine::plan::{GradientFlow, Group};
use nn_graph::op::ZeroPadShortcut;

use super::{Compiling, Step, Tensor};
use crate::workspace::Pass;

pub(super) struct ShortcutStep {
    input: Tensor,
    output: Tensor,
    stride: usize,
}

impl ShortcutStep {
    pub(super) fn new(context: &Compiling<'_>, group: &Group, shortcut: &ZeroPadShortcut) -> Self {
        let (input, output) = (context.input(group, 0), context.output(group));
        Self {
            input,
            output,
            stride: shortcut.stride,
        }
    }
}

impl Step for ShortcutStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        let (from, to, stride) = (self.input.layout, self.output.layout, self.stride);
        let mut output = std::mem::take(&mut pass.workspace.activations[self.output.node]);
        let input = &pass.workspace.activations[self.input.node];
        pass.chunks.map(&mut output, to.image(), |first, output| {
            for (index, target) in output.chunks_exact_mut(to.image()).enumerate() {
                let image = &input[(first + index) * from.image()..][..from.image()];
                for (y, row) in to.rows_mut(target).enumerate() {
                    for (x, position) in row.chunks_exact_mut(to.stored).enumerate() {
                        let source = from.offset((y * stride) as isize, (x * stride) as isize);
                        position[..from.stored].copy_from_slice(&image[source..][..from.stored]);
                    }
                }
            }
        });
        pass.workspace.activations[self.output.node] = output;
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let (Some(own), Some(slot)) = (self.output.slot, self.input.slot) else {
            return;
        };
        let (to, from, stride) = (self.input.layout, self.output.layout, self.stride);
        let write = self.input.flow == GradientFlow::Write;
        let mut target = std::mem::take(&mut pass.workspace.gradients[slot]);
        let source = &pass.workspace.gradients[own];
        pass.chunks.map(&mut target, to.image(), |first, target| {
            if write {
                target.fill(0.0);
            }
            for (index, image) in target.chunks_exact_mut(to.image()).enumerate() {
                let gradient = &source[(first + index) * from.image()..][..from.image()];
                for (y, row) in from.rows(gradient).enumerate() {
                    for (x, position) in row.chunks_exact(from.stored).enumerate() {
                        let at = to.offset((y * stride) as isize, (x * stride) as isize);
                        // Channels that the input does not have end at its last.
                        let kept = &mut image[at..][..to.channels];
                        kept.iter_mut()
                            .zip(position)
                            .for_each(|(to, &from)| *to += from);
                    }
                }
            }
        });
        pass.workspace.gradients[slot] = target;
    }
}
