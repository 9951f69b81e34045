//! `y[o, i, j] = b[o] + Σ_{c,u,v} w[o, c, u, v] · x[c, s·i + u − p, s·j + v − p]`, then perhaps an
//! addition.
//!
//! Image by image, the input is put into a [frame of zeros](crate::layout::Framed) that stays in the nearest caches, and
//! convolved from there: directly with 16 output channels in a register ([`gather`]), or with a quarter of the
//! multiplications ([`winograd`]). Forward and the gradient of the input are the same computation with other weights
//! ([`direction`]); the gradient of the weight is its transpose ([`weight_gradient`]).

mod direction;
#[allow(unsafe_code)]
mod epilogue;
#[allow(unsafe_code)]
mod gather;
#[allow(unsafe_code)]
mod weight_gradient;
mod weights;
#[allow(unsafe_code)]
mod winograd;

use nn_engine::EngineError;
use nn_engine::plan::{GradientFlow, Group};
use nn_graph::op::Conv2d;

use self::direction::Direction;
use self::epilogue::Epilogue;
use self::weight_gradient::WeightGradient;
use self::weights::WeightShape;
use super::{Compiling, Step, Tensor};
use crate::layout::{Framed, Layout};
use crate::memory::Buffer;
use crate::simd::Level;
use crate::workspace::{Pass, Scratch, Workspace};

pub(super) struct ConvStep {
    input: Tensor,
    output: Tensor,
    addend: Option<Tensor>,
    weight: usize,
    bias: Option<usize>,
    shape: WeightShape,
    trained: bool,
    forward: Direction,
    backward: Direction,
    weight_gradient: WeightGradient,
    /// Bias filled up to the stored channels.
    bias_lanes: Buffer,
}

impl ConvStep {
    pub(super) fn new(
        context: &Compiling<'_>,
        group: &Group,
        conv: &Conv2d,
    ) -> Result<Self, EngineError> {
        let (input, output) = (context.input(group, 0), context.output(group));
        let weight = context.graph.parameter(conv.weight);
        let shape = WeightShape::new(&weight.shape, conv);
        let forward = Direction::forward(input.layout, output.layout, &shape)?;
        let mut backward = Direction::backward(input.layout, output.layout, &shape)?;
        let mut weight_gradient = WeightGradient::new(shape, forward.source(), output.layout);
        let frame = backward.source().union(&weight_gradient.output());
        backward.set_source(frame);
        weight_gradient.set_output(frame);
        Ok(Self {
            input,
            output,
            addend: context.addend(group),
            weight: conv.weight.index(),
            bias: conv.bias.map(|bias| bias.index()),
            trained: weight.trainable,
            bias_lanes: Buffer::zeros(output.layout.stored)?,
            shape,
            forward,
            backward,
            weight_gradient,
        })
    }

    /// Some images forward; `first` is the batch's number of the first that `output` holds.
    fn forward_images(
        &self,
        level: Level,
        workspace: &Workspace,
        first: usize,
        output: &mut [f32],
    ) {
        let (together, image) = (self.forward.images(), self.output.layout.image());
        let frame = self.forward.source();
        let mut scratch = workspace.scratch();
        let (source, scratch) = scratch.split_at_mut(together * frame.image());
        let bias = self.bias.map(|_| &self.bias_lanes[..]);
        let addend = self
            .addend
            .map(|addend| &workspace.activations[addend.node]);
        for (index, target) in output.chunks_mut(together * image).enumerate() {
            let first = first + index * together;
            let input = &workspace.activations[self.input.node];
            let count = target.len() / image;
            fill(&frame, source, input, first, count);
            let addend = addend.map(|addend| &addend[first * image..][..target.len()]);
            let epilogue = Epilogue {
                bias,
                addend,
                accumulate: false,
            };
            self.forward.run(level, source, target, epilogue, scratch);
        }
    }

    /// Some images backward: adds to the weight's gradient, `[tap][in][out filled up]`, and finds the input's, where
    /// `target` has room for it.
    fn backward_images(
        &self,
        level: Level,
        workspace: &Workspace,
        own: usize,
        images: std::ops::Range<usize>,
        target: &mut [f32],
        partial: &mut [f32],
    ) {
        let (x_frame, dy_frame) = (self.forward.source(), self.backward.source());
        let together = self.together();
        let (kept, _) = self.weight_gradient.scratch();
        let mut scratch = workspace.scratch();
        let (dy, scratch) = scratch.split_at_mut(together * dy_frame.image());
        let (x, scratch) = scratch.split_at_mut(together * x_frame.image());
        let (kept, scratch) = scratch.split_at_mut(kept);
        self.weight_gradient.begin(partial, kept);
        let image = self.input.layout.image();
        let epilogue = Epilogue {
            bias: None,
            addend: None,
            accumulate: self.input.flow == GradientFlow::Accumulate,
        };
        for first in images.clone().step_by(together) {
            let count = together.min(images.end - first);
            fill(&dy_frame, dy, &workspace.gradients[own], first, count);
            if self.trained {
                fill(
                    &x_frame,
                    x,
                    &workspace.activations[self.input.node],
                    first,
                    count,
                );
                let gradient = &self.weight_gradient;
                gradient.add(level, count, (x, dy), partial, (kept, scratch));
            }
            if !target.is_empty() {
                let target = &mut target[(first - images.start) * image..][..count * image];
                self.backward.run(level, dy, target, epilogue, scratch);
            }
        }
        self.weight_gradient.finish(level, partial, kept);
    }

    /// Images that the backward pass takes at a time.
    fn together(&self) -> usize {
        self.backward.images().max(self.weight_gradient.images())
    }

    /// Sum of the output's gradient over images and positions.
    fn bias_gradient(&self, pass: &mut Pass<'_>, own: usize, bias: usize) {
        let layout = self.output.layout;
        let (gradient, stored) = (&pass.workspace.gradients[own], layout.stored);
        pass.chunks
            .partials(&mut pass.workspace.partial, stored, |images, sums| {
                sums.fill(0.0);
                let images = images.start * layout.image()..images.end * layout.image();
                for position in gradient[images].chunks_exact(stored) {
                    sums.iter_mut()
                        .zip(position)
                        .for_each(|(sum, dy)| *sum += dy);
                }
            });
        let partials = &pass.workspace.partial[..pass.chunks.count() * stored];
        for (channel, to) in pass.workspace.parameter_gradients[bias]
            .iter_mut()
            .enumerate()
        {
            *to = partials
                .chunks_exact(stored)
                .map(|sums| sums[channel])
                .sum();
        }
    }
}

/// Puts images of a tensor into frames.
fn fill(frame: &Framed, framed: &mut [f32], tensor: &[f32], first: usize, count: usize) {
    let layout: Layout = frame.inner;
    let images = framed.chunks_exact_mut(frame.image()).take(count);
    for (index, framed) in images.enumerate() {
        let image = &tensor[(first + index) * layout.image()..][..layout.image()];
        frame.fill(framed, |y, row| {
            row.copy_from_slice(&image[y * layout.row()..][..layout.row()]);
        });
    }
}

impl Step for ConvStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        let (level, weight) = (pass.level, &pass.parameters[self.weight]);
        let shape = self.shape;
        self.forward
            .set_weights(level, |taps| shape.pack_forward(weight, taps));
        if let Some(bias) = self.bias {
            self.bias_lanes[..shape.out].copy_from_slice(&pass.parameters[bias]);
        }
        pass.map_activation(&self.output, |workspace, first, output| {
            self.forward_images(level, workspace, first, output);
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        if let Some(bias) = self.bias {
            self.bias_gradient(pass, own, bias);
        }
        let (level, shape) = (pass.level, self.shape);
        let weight = &pass.parameters[self.weight];
        self.backward
            .set_weights(level, |taps| shape.pack_backward(weight, taps));
        let length = shape.forward();
        let mut partial = std::mem::take(&mut pass.workspace.partial);
        pass.map_gradient_with(
            &self.input,
            &mut partial,
            length,
            |workspace, images, target, partial| {
                self.backward_images(level, workspace, own, images, target, partial);
            },
        );
        if self.trained {
            let sum = pass.chunks.reduce(&mut partial, length);
            shape.unpack_forward(sum, &mut pass.workspace.parameter_gradients[self.weight]);
        }
        pass.workspace.partial = partial;
        // The addend's gradient is the output's own; where it is not shared, it is passed on.
        if let Some(addend) = self.addend {
            super::pass_on(pass, own, &addend);
        }
    }

    fn scratch(&self) -> Scratch {
        let (kept, own) = self.weight_gradient.scratch();
        let forward =
            self.forward.images() * self.forward.source().image() + self.forward.scratch();
        let frames = self.forward.source().image() + self.backward.source().image();
        let backward = self.together() * frames + kept + own.max(self.backward.scratch());
        Scratch {
            partial: self.shape.forward().max(self.output.layout.stored),
            sums: 0,
            thread: forward.max(backward),
        }
    }

    fn bytes(&self) -> usize {
        self.forward.bytes() + self.backward.bytes() + 4 * self.bias_lanes.len()
    }
}
