//! `y[c] = mean over positions of x[c]`.

use nn_engine::plan::{GradientFlow, Group};

use super::{Compiling, Step, Tensor};
use crate::workspace::Pass;

pub(super) struct PoolStep {
    input: Tensor,
    output: Tensor,
}

impl PoolStep {
    pub(super) fn new(context: &Compiling<'_>, group: &Group) -> Self {
        Self {
            input: context.input(group, 0),
            output: context.output(group),
        }
    }
}

impl Step for PoolStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        let (from, to) = (self.input.layout, self.output.layout);
        let scale = (from.positions() as f32).recip();
        pass.map_activation(&self.output, |workspace, first, output| {
            let input = &workspace.activations[self.input.node];
            for (index, mean) in output.chunks_exact_mut(to.image()).enumerate() {
                let image = &input[(first + index) * from.image()..][..from.image()];
                mean.fill(0.0);
                for position in image.chunks_exact(from.stored) {
                    mean.iter_mut()
                        .zip(position)
                        .for_each(|(sum, &x)| *sum += x);
                }
                mean.iter_mut().for_each(|sum| *sum *= scale);
            }
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        let (to, from) = (self.input.layout, self.output.layout);
        let flow = self.input.flow;
        let scale = (to.positions() as f32).recip();
        pass.map_gradient(&self.input, |workspace, first, target| {
            let source = &workspace.gradients[own];
            for (index, image) in target.chunks_exact_mut(to.image()).enumerate() {
                let gradient = &source[(first + index) * from.image()..][..from.image()];
                for position in image.chunks_exact_mut(to.stored) {
                    for (to, &from) in position.iter_mut().zip(gradient) {
                        let kept = if flow == GradientFlow::Accumulate {
                            *to
                        } else {
                            0.0
                        };
                        *to = kept + from * scale;
                    }
                }
            }
        });
    }
}
