//! `y = max(x, 0)` where no normalisation or addition could take it along.

use nn_engine::plan::Group;

use super::{Compiling, Step, Tensor};
use crate::workspace::Pass;

pub(super) struct ReluStep {
    input: Tensor,
    output: Tensor,
}

impl ReluStep {
    pub(super) fn new(context: &Compiling<'_>, group: &Group) -> Self {
        Self {
            input: context.input(group, 0),
            output: context.output(group),
        }
    }
}

impl Step for ReluStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        let image = self.output.layout.image();
        let mut output = std::mem::take(&mut pass.workspace.activations[self.output.node]);
        let input = &pass.workspace.activations[self.input.node];
        pass.chunks.map(&mut output, image, |first, output| {
            let input = &input[first * image..][..output.len()];
            // The halo and the channels beyond the last are 0 and stay so.
            output
                .iter_mut()
                .zip(input)
                .for_each(|(y, &x)| *y = if x <= 0.0 { 0.0 } else { x });
        });
        pass.workspace.activations[self.output.node] = output;
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(slot) = self.output.slot else { return };
        mask(pass, &self.output, slot);
        super::pass_on(pass, slot, &self.input);
    }
}

/// Sets a gradient to 0 wherever the output was not positive.
pub(super) fn mask(pass: &mut Pass<'_>, output: &Tensor, slot: usize) {
    let image = output.layout.image();
    let activations = &pass.workspace.activations[output.node];
    pass.chunks.map(
        &mut pass.workspace.gradients[slot],
        image,
        |first, gradient| {
            let activations = &activations[first * image..][..gradient.len()];
            for (gradient, &y) in gradient.iter_mut().zip(activations) {
                *gradient = if y > 0.0 { *gradient } else { 0.0 };
            }
        },
    );
}
