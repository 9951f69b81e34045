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
        pass.map_activation(&self.output, |workspace, first, output| {
            let input = &workspace.activations[self.input.node];
            for (index, target) in output.chunks_exact_mut(to.image()).enumerate() {
                let image = &input[(first + index) * from.image()..][..from.image()];
                for (y, row) in target.chunks_exact_mut(to.row()).enumerate() {
                    for (x, position) in row.chunks_exact_mut(to.stored).enumerate() {
                        let source = from.offset(y * stride, x * stride);
                        position[..from.stored].copy_from_slice(&image[source..][..from.stored]);
                    }
                }
            }
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        let (to, from, stride) = (self.input.layout, self.output.layout, self.stride);
        let write = self.input.flow == GradientFlow::Write;
        pass.map_gradient(&self.input, |workspace, first, target| {
            let source = &workspace.gradients[own];
            if write {
                target.fill(0.0);
            }
            for (index, image) in target.chunks_exact_mut(to.image()).enumerate() {
                let gradient = &source[(first + index) * from.image()..][..from.image()];
                for (y, row) in gradient.chunks_exact(from.row()).enumerate() {
                    for (x, position) in row.chunks_exact(from.stored).enumerate() {
                        let at = to.offset(y * stride, x * stride);
                        // Channels that the input does not have end at its last.
                        let kept = &mut image[at..][..to.channels];
                        kept.iter_mut()
                            .zip(position)
                            .for_each(|(to, &from)| *to += from);
                    }
                }
            }
        });
    }
}
