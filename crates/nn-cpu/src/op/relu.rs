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
        pass.map_activation(&self.output, |workspace, first, output| {
            let input = &workspace.activations[self.input.node];
            let input = &input[first * image..][..output.len()];
            // Channels beyond the last are 0 and stay so.
            output
                .iter_mut()
                .zip(input)
                .for_each(|(y, &x)| *y = if x <= 0.0 { 0.0 } else { x });
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(slot) = self.output.slot else { return };
        mask(pass, &self.output);
        super::pass_on(pass, slot, &self.input);
    }
}

/// Sets a gradient to 0 wherever the output was not positive.
pub(super) fn mask(pass: &mut Pass<'_>, output: &Tensor) {
    pass.map_gradient(output, |workspace, first, gradient| {
        let activations = &workspace.activations[output.node];
        let activations = &activations[first * output.layout.image()..][..gradient.len()];
        for (gradient, &y) in gradient.iter_mut().zip(activations) {
            *gradient = if y > 0.0 { *gradient } else { 0.0 };
        }
    });
}
