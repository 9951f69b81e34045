//! `y[o] = b[o] + Σ_i w[o, i] · x[i]`: the classifier at the end, too small to need a kernel.

use nn_engine::plan::{GradientFlow, Group};
use nn_graph::op::Linear;

use super::{Compiling, Step, Tensor};
use crate::workspace::{Pass, Scratch};

pub(super) struct LinearStep {
    input: Tensor,
    output: Tensor,
    weight: usize,
    bias: Option<usize>,
    trained: bool,
}

impl LinearStep {
    pub(super) fn new(context: &Compiling<'_>, group: &Group, linear: &Linear) -> Self {
        Self {
            input: context.input(group, 0),
            output: context.output(group),
            weight: linear.weight.index(),
            bias: linear.bias.map(|bias| bias.index()),
            trained: context.graph.parameter(linear.weight).trainable,
        }
    }

    /// `[in + 1]` for each output: weights, then bias.
    fn partial(&self) -> usize {
        self.output.layout.channels * (self.input.layout.channels + 1)
    }

    fn parameter_gradients(&self, pass: &mut Pass<'_>, own: usize) {
        let (from, to) = (self.input.layout, self.output.layout);
        let (fan_in, length) = (from.channels, self.partial());
        let input = &pass.workspace.activations[self.input.node];
        let gradient = &pass.workspace.gradients[own];
        pass.chunks
            .partials(&mut pass.workspace.partial, length, |images, partial| {
                partial.fill(0.0);
                for image in images {
                    let x = &input[image * from.image()..][..fan_in];
                    let dy = &gradient[image * to.image()..][..to.channels];
                    for (row, &dy) in partial.chunks_exact_mut(fan_in + 1).zip(dy) {
                        row.iter_mut().zip(x).for_each(|(sum, &x)| *sum += dy * x);
                        row[fan_in] += dy;
                    }
                }
            });
        let chunks = &pass.workspace.partial[..pass.chunks.count() * length];
        let sum = |at: usize| {
            chunks
                .chunks_exact(length)
                .map(|partial| partial[at])
                .sum::<f32>()
        };
        let gradients = &mut pass.workspace.parameter_gradients;
        for output in 0..to.channels {
            for (i, to) in gradients[self.weight][output * fan_in..][..fan_in]
                .iter_mut()
                .enumerate()
            {
                *to = sum(output * (fan_in + 1) + i);
            }
            if let Some(bias) = self.bias {
                gradients[bias][output] = sum(output * (fan_in + 1) + fan_in);
            }
        }
    }
}

impl Step for LinearStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        let (from, to) = (self.input.layout, self.output.layout);
        let weight = &pass.parameters[self.weight];
        let bias = self.bias.map(|bias| &pass.parameters[bias]);
        pass.map_activation(&self.output, |workspace, first, output| {
            let input = &workspace.activations[self.input.node];
            for (index, y) in output.chunks_exact_mut(to.image()).enumerate() {
                let x = &input[(first + index) * from.image()..][..from.channels];
                for (o, (y, w)) in y
                    .iter_mut()
                    .zip(weight.chunks_exact(from.channels))
                    .enumerate()
                {
                    let product: f32 = w.iter().zip(x).map(|(w, x)| w * x).sum();
                    *y = product + bias.map_or(0.0, |bias| bias[o]);
                }
            }
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        if self.trained {
            self.parameter_gradients(pass, own);
        }
        let (to, from, flow) = (self.input.layout, self.output.layout, self.input.flow);
        let weight = &pass.parameters[self.weight];
        pass.map_gradient(&self.input, |workspace, first, target| {
            let gradient = &workspace.gradients[own];
            for (index, dx) in target.chunks_exact_mut(to.image()).enumerate() {
                if flow == GradientFlow::Write {
                    dx.fill(0.0);
                }
                let dy = &gradient[(first + index) * from.image()..][..from.channels];
                for (&dy, w) in dy.iter().zip(weight.chunks_exact(to.channels)) {
                    dx.iter_mut().zip(w).for_each(|(dx, &w)| *dx += dy * w);
                }
            }
        });
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            partial: self.partial(),
            ..Scratch::default()
        }
    }
}
