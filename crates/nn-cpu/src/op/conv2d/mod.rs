//! `y[o, i, j] = b[o] + Σ_{c,u,v} w[o, c, u, v] · x[c, s·i + u − p, s·j + v − p]`, then perhaps an
//! addition.
//!
//! Image by image, the input is put into a [frame of zeros](crate::layout::Framed) that stays in the nearest caches, and
//! convolved from there: directly with 16 output channels in a register ([`gather`]), or with a quarter of the
//! multiplications ([`winograd`]). Forward and the gradient of the input are the same computation with other weights
//! ([`direction`]); the gradient of the weight is its transpose ([`weight_gradient`]).
//!
//! While an image is at hand, the phases of normalisations that the plan leaves to the convolution are done on the way
//! ([`on_the_way`]): so between two convolutions memory is read once and written once.

mod ahead;
mod direction;
#[allow(unsafe_code)]
mod epilogue;
#[allow(unsafe_code)]
mod gather;
mod on_the_way;
#[allow(unsafe_code)]
mod weight_gradient;
mod weights;
#[allow(unsafe_code)]
mod winograd;

use std::ops::Range;

use nn_engine::plan::GradientFlow;
use nn_engine::{EngineError, check_memory};
use nn_graph::op::Conv2d;

use self::ahead::Ahead;
use self::direction::Direction;
use self::epilogue::Epilogue;
use self::on_the_way::OnTheWay;
use self::weight_gradient::WeightGradient;
use self::weights::WeightShape;
use super::{Compiling, Step, Tensor};
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
    trains: bool,
    on_the_way: OnTheWay,
    forward: Direction,
    backward: Direction,
    weight_gradient: WeightGradient,
    /// Bias filled up to the stored channels.
    bias_lanes: Buffer,
}

/// A chunk's parts of what the backward pass writes.
struct Written<'a> {
    /// Gradient of the output where a normalisation's contribution completes it, else empty.
    own: &'a mut [f32],
    /// Gradient of the input, empty where there is none.
    input: &'a mut [f32],
    /// Sums of the normalisation that the input comes from, empty where that finds them itself.
    sums: &'a mut [f64],
    /// Gradients of weight and bias: `[tap][in][out filled up]`, then `[out filled up]`.
    partial: &'a mut [f32],
}

impl ConvStep {
    pub(super) fn new(
        context: &Compiling<'_>,
        index: usize,
        conv: &Conv2d,
    ) -> Result<Self, EngineError> {
        let group = &context.plan.groups()[index];
        let (input, output) = (context.input(group, 0), context.output(group));
        let weight = context.graph.parameter(conv.weight);
        let shape = WeightShape::new(&weight.shape, conv);
        let forward = Direction::forward(input.layout, output.layout, &shape)?;
        let mut backward = Direction::backward(input.layout, output.layout, &shape)?;
        let mut weight_gradient = WeightGradient::new(shape, forward.source(), output.layout);
        let frame = backward.source().union(&weight_gradient.output());
        backward.set_source(frame);
        weight_gradient.set_output(frame);
        let frames = [&forward, &backward].map(|direction| direction.source().bytes());
        let together = forward.images().max(backward.images()) as u128;
        let bytes = context.threads as u128 * together * (frames[0] + frames[1]);
        check_memory("frames around the images of a convolution", bytes)?;
        Ok(Self {
            input,
            output,
            addend: context.addend(group),
            weight: conv.weight.index(),
            bias: conv.bias.map(|bias| bias.index()),
            trained: weight.trainable,
            trains: group.trains,
            on_the_way: OnTheWay::new(context, index),
            bias_lanes: Buffer::zeros(output.layout.stored)?,
            shape,
            forward,
            backward,
            weight_gradient,
        })
    }

    /// Some images forward: their part of the output, and of the sums of the normalisation that reads it.
    fn forward_images(
        &self,
        level: Level,
        workspace: &Workspace,
        first: usize,
        output: &mut [f32],
        sums: &mut [f64],
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
            let before = index * together;
            let (first, count) = (first + before, target.len() / image);
            self.on_the_way
                .fill_input(level, workspace, (&frame, source), first..first + count);
            let addend = addend.map(|addend| &addend[first * image..][..target.len()]);
            let epilogue = Epilogue {
                bias,
                addend,
                accumulate: false,
            };
            let next = self.on_the_way.input(workspace, first + count, count);
            let ahead = Ahead {
                lists: [next, &[], &[]],
            };
            self.forward
                .run(level, source, target, epilogue, ahead, scratch);
            let length = 2 * self.output.layout.stored;
            let sums = sums.chunks_exact_mut(length).skip(before);
            OnTheWay::statistics(level, &self.output.layout, target, sums);
        }
    }

    /// Some images backward.
    fn backward_images(
        &self,
        level: Level,
        workspace: &Workspace,
        images: Range<usize>,
        written: Written<'_>,
    ) {
        let Written {
            own,
            input,
            sums,
            partial,
        } = written;
        let (x_frame, dy_frame) = (self.forward.source(), self.backward.source());
        let together = self.together();
        let (kept, _) = self.weight_gradient.scratch();
        let mut scratch = workspace.scratch();
        let (dy, scratch) = scratch.split_at_mut(together * dy_frame.image());
        let (x, scratch) = scratch.split_at_mut(together * x_frame.image());
        let (kept, scratch) = scratch.split_at_mut(kept);
        let (taps, bias) = partial.split_at_mut(self.shape.forward());
        if self.trained {
            self.weight_gradient.begin(taps, kept);
        }
        bias.fill(0.0);
        for first in images.clone().step_by(together) {
            let some = first..(first + together).min(images.end);
            let (count, before) = (some.len(), first - images.start);
            let output = self.output.layout.image();
            let kept_own = own.chunks_exact_mut(output).skip(before);
            self.on_the_way.fill_gradient(
                level,
                workspace,
                kept_own,
                (&dy_frame, dy),
                some.clone(),
            );
            if self.bias.is_some() {
                add_positions(&dy[..count * dy_frame.image()], bias);
            }
            if self.trained {
                self.on_the_way
                    .fill_input(level, workspace, (&x_frame, x), some.clone());
                let gradient = &self.weight_gradient;
                let [dz, y] = self.on_the_way.gradient(workspace, some.end, count);
                let next = (before + count) * output;
                let own = own.get(next..).unwrap_or_default();
                let lists = [dz, y, &own[..own.len().min(count * output)]];
                let ahead = Ahead { lists };
                gradient.add(level, count, (x, dy), taps, ahead, (kept, scratch));
            }
            if !input.is_empty() {
                let image = self.input.layout.image();
                let input = &mut input[before * image..][..count * image];
                let sums = sums.get_mut(before * 2 * self.input.layout.stored..);
                let written = (input, sums.unwrap_or_default());
                self.input_gradient(level, workspace, some, dy, written, scratch);
            }
        }
        if self.trained {
            self.weight_gradient.finish(level, taps, kept);
        }
    }

    /// The input's gradient of some images, from that of their output in frames, and sums over it.
    fn input_gradient(
        &self,
        level: Level,
        workspace: &Workspace,
        images: Range<usize>,
        dy: &[f32],
        (target, sums): (&mut [f32], &mut [f64]),
        scratch: &mut [f32],
    ) {
        let next = self.on_the_way.input(workspace, images.end, images.len());
        let ahead = Ahead {
            lists: [next, &[], &[]],
        };
        let epilogue = Epilogue {
            bias: None,
            addend: None,
            accumulate: self.input.flow == GradientFlow::Accumulate,
        };
        self.backward
            .run(level, dy, target, epilogue, ahead, scratch);
        let sums = sums.chunks_exact_mut(2 * self.input.layout.stored);
        self.on_the_way
            .gradient_sums(level, workspace, target, sums, images);
    }

    /// Images that the backward pass takes at a time.
    fn together(&self) -> usize {
        self.backward.images().max(self.weight_gradient.images())
    }

    /// Values of the partial gradients of weight and bias.
    fn partial(&self) -> usize {
        self.shape.forward() + self.output.layout.stored
    }
}

/// Adds the values of all positions, channel by channel.
fn add_positions(values: &[f32], sums: &mut [f32]) {
    for position in values.chunks_exact(sums.len()) {
        sums.iter_mut()
            .zip(position)
            .for_each(|(sum, value)| *sum += value);
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
        let layout = self.output.layout;
        let mut output = std::mem::take(&mut pass.workspace.activations[self.output.node]);
        let norm = self.on_the_way.statistics_for(pass);
        let mut sums = norm.map(|norm| std::mem::take(&mut pass.workspace.norms[norm].sums));
        let workspace = &*pass.workspace;
        let chunks = pass.chunks;
        let parts = (
            chunks.of_images(Some(&mut output), layout.image()),
            chunks.of_images(sums.as_deref_mut(), 2 * layout.stored),
        );
        chunks.each(parts, |images, (output, sums)| {
            self.forward_images(level, workspace, images.start, output, sums);
        });
        pass.workspace.activations[self.output.node] = output;
        if let (Some(norm), Some(sums)) = (norm, sums) {
            pass.workspace.norms[norm].sums = sums;
        }
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        if !self.trains {
            return;
        }
        let (level, shape) = (pass.level, self.shape);
        let weight = &pass.parameters[self.weight];
        if self.input.slot.is_some() {
            self.backward
                .set_weights(level, |taps| shape.pack_backward(weight, taps));
        }
        let (length, layout) = (self.partial(), self.input.layout);
        let (own_slot, norm) = (self.output.slot, self.on_the_way.completes());
        let own_slot = own_slot.filter(|_| self.on_the_way.is_pending());
        let workspace = &mut *pass.workspace;
        let mut partial = std::mem::take(&mut workspace.partial);
        let mut own = own_slot.map(|slot| std::mem::take(&mut workspace.gradients[slot]));
        let input_slot = self.input.slot;
        let mut input = input_slot.map(|slot| std::mem::take(&mut workspace.gradients[slot]));
        let mut sums = norm.map(|norm| std::mem::take(&mut workspace.norms[norm].sums));
        {
            let (chunks, workspace) = (pass.chunks, &*workspace);
            let image = self.output.layout.image();
            let gradients = (
                chunks.of_images(own.as_deref_mut(), image),
                chunks.of_images(input.as_deref_mut(), layout.image()),
            );
            let sums = (
                chunks.of_images(sums.as_deref_mut(), 2 * layout.stored),
                chunks.of_chunks(&mut partial, length),
            );
            chunks.each(
                (gradients, sums),
                |images, ((own, input), (sums, partial))| {
                    let written = Written {
                        own,
                        input,
                        sums,
                        partial,
                    };
                    self.backward_images(level, workspace, images, written);
                },
            );
        }
        if let (Some(slot), Some(own)) = (own_slot, own) {
            workspace.gradients[slot] = own;
        }
        if let (Some(slot), Some(input)) = (input_slot, input) {
            workspace.gradients[slot] = input;
        }
        if let (Some(norm), Some(sums)) = (norm, sums) {
            workspace.norms[norm].sums = sums;
        }
        if self.trained || self.bias.is_some() {
            let total = pass.chunks.reduce(&mut partial, length);
            let (taps, bias) = total.split_at(shape.forward());
            let gradients = &mut workspace.parameter_gradients;
            if self.trained {
                shape.unpack_forward(taps, &mut gradients[self.weight]);
            }
            if let Some(index) = self.bias {
                gradients[index].copy_from_slice(&bias[..shape.out]);
            }
        }
        workspace.partial = partial;
        // The addend's gradient is the output's own; where it is not shared, it is passed on.
        if let (Some(own), Some(addend)) = (self.output.slot, self.addend) {
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
            partial: self.partial(),
            thread: forward.max(backward),
        }
    }

    fn bytes(&self) -> usize {
        self.forward.bytes() + self.backward.bytes() + 4 * self.bias_lanes.len()
    }
}
