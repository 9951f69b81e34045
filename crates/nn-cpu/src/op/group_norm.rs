//! `y = scale · (x − μ)/√(σ² + ε) + shift` with the statistics of each image over groups of channels, then perhaps an
//! addition, then perhaps ReLU.
//!
//! Every image is normalised on its own, by the thread that has its chunk: forward three passes over the image, as
//! batch normalisation makes over the batch, while it is in the cache; backward one pass for the sums of each channel
//! and one for the gradient. Only the gradients of scale and shift are summed over images, in their order.
//! The same in training and evaluation.

use nn_engine::EngineError;
use nn_engine::plan::{GradientFlow, Group};
use nn_graph::op::GroupNorm;

use super::normalisation::{self, Coefficients, GradientCoefficients, factor, inverse_root};
use super::{Compiling, Step, Tensor};
use crate::layout::Layout;
use crate::memory::{room, zeros};
use crate::simd::Level;
use crate::workspace::Pass;

pub(super) struct GroupNormStep {
    input: Tensor,
    output: Tensor,
    addend: Option<Tensor>,
    relu: bool,
    scale: Option<usize>,
    shift: Option<usize>,
    /// Scale and shift filled up to the stored channels, 1 and 0 where there are none.
    scale_lanes: Vec<f32>,
    shift_lanes: Vec<f32>,
    groups: Groups,
    images: Vec<ImageNorm>,
}

/// How channels are grouped.
#[derive(Clone, Copy)]
struct Groups {
    layout: Layout,
    /// Channels of a group.
    channels: usize,
    epsilon: f64,
}

/// What one image is normalised with, `[stored]` each and equal within a group (but `factor` and `sums`).
struct ImageNorm {
    mean: Vec<f32>,
    /// `1/√(σ² + ε)`, and the same times the scale.
    inverse: Vec<f32>,
    factor: Vec<f32>,
    /// The means over a group of `scale · dy` and `scale · dy · x̂`.
    mean_gradient: Vec<f32>,
    mean_product: Vec<f32>,
    /// `[2][stored]`: forward, sums over positions of what the statistics are made of; backward, `Σ dy` and
    /// `Σ dy · x̂`.
    sums: Vec<f64>,
}

impl GroupNormStep {
    pub(super) fn new(
        context: &Compiling<'_>,
        group: &Group,
        norm: &GroupNorm,
    ) -> Result<Self, EngineError> {
        let input = context.input(group, 0);
        let layout = input.layout;
        let mut images = room(context.batch_size)?;
        for _ in 0..context.batch_size {
            images.push(ImageNorm::new(layout.stored)?);
        }
        let mut scale_lanes = zeros(layout.stored)?;
        scale_lanes[..layout.channels].fill(1.0);
        Ok(Self {
            input,
            output: context.output(group),
            addend: context.addend(group),
            relu: group.relu.is_some(),
            scale: norm.scale.map(|id| id.index()),
            shift: norm.shift.map(|id| id.index()),
            scale_lanes,
            shift_lanes: zeros(layout.stored)?,
            groups: Groups {
                layout,
                channels: layout.channels / norm.groups,
                epsilon: norm.epsilon,
            },
            images,
        })
    }

    /// Bytes that the step owns for one image of this layout.
    pub(super) fn bytes_per_image(layout: &Layout) -> u128 {
        (5 * size_of::<f32>() + 2 * size_of::<f64>()) as u128 * layout.stored as u128
    }

    /// Gradients of scale and shift: the images' sums, first image first.
    fn parameter_gradients(&self, pass: &mut Pass<'_>) {
        let stored = self.groups.layout.stored;
        let images = &self.images[..pass.chunks.images];
        for (parameter, from) in [(self.shift, 0), (self.scale, stored)] {
            let Some(parameter) = parameter else { continue };
            let gradient = &mut pass.workspace.parameter_gradients[parameter];
            for (channel, to) in gradient.iter_mut().enumerate() {
                *to = images
                    .iter()
                    .map(|image| image.sums[from + channel])
                    .sum::<f64>() as f32;
            }
        }
    }

    fn input_gradient(&self, pass: &mut Pass<'_>, own: usize) {
        let (layout, level) = (self.groups.layout, pass.level);
        let accumulate = self.input.flow == GradientFlow::Accumulate;
        pass.map_gradient(&self.input, |workspace, first, target| {
            let input = &workspace.activations[self.input.node];
            let gradient = &workspace.gradients[own];
            for (index, dx) in target.chunks_exact_mut(layout.image()).enumerate() {
                let at = (first + index) * layout.image();
                let norm = &self.images[first + index];
                normalisation::input_gradient(
                    level,
                    &layout,
                    GradientCoefficients {
                        mean: &norm.mean,
                        inverse: &norm.inverse,
                        factor: &norm.inverse,
                        weight: Some(&self.scale_lanes),
                        mean_gradient: &norm.mean_gradient,
                        mean_product: &norm.mean_product,
                    },
                    &input[at..][..layout.image()],
                    &gradient[at..][..layout.image()],
                    dx,
                    accumulate,
                );
            }
        });
    }
}

impl Step for GroupNormStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        for (parameter, lanes) in [
            (self.scale, &mut self.scale_lanes),
            (self.shift, &mut self.shift_lanes),
        ] {
            if let Some(parameter) = parameter {
                let values = &pass.parameters[parameter];
                lanes[..values.len()].copy_from_slice(values);
            }
        }
        let (layout, level, chunks) = (self.groups.layout, pass.level, pass.chunks);
        let mut images = std::mem::take(&mut self.images);
        let mut output = std::mem::take(&mut pass.workspace.activations[self.output.node]);
        let (this, workspace) = (&*self, &*pass.workspace);
        let input = &workspace.activations[this.input.node];
        let addend = this
            .addend
            .map(|addend| &workspace.activations[addend.node]);
        let work = |first: usize, output: &mut [f32], images: &mut [ImageNorm]| {
            let results = output.chunks_exact_mut(layout.image()).zip(images);
            for (index, (y, norm)) in results.enumerate() {
                let at = (first + index) * layout.image();
                let x = &input[at..][..layout.image()];
                norm.find_statistics(level, &this.groups, x, &this.scale_lanes);
                normalisation::apply(
                    level,
                    &layout,
                    Coefficients {
                        mean: &norm.mean,
                        factor: &norm.factor,
                        offset: &this.shift_lanes,
                    },
                    x,
                    addend.map(|addend| &addend[at..][..layout.image()]),
                    y,
                    this.relu,
                );
            }
        };
        chunks.map_with_partial(&mut output, layout.image(), &mut images, chunks.size, work);
        pass.workspace.activations[self.output.node] = output;
        self.images = images;
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        let (layout, level, chunks) = (self.groups.layout, pass.level, pass.chunks);
        let mut images = std::mem::take(&mut self.images);
        let mut gradient = std::mem::take(&mut pass.workspace.gradients[own]);
        let this = &*self;
        let input = &pass.workspace.activations[this.input.node];
        let output = &pass.workspace.activations[this.output.node];
        let work = |first: usize, gradient: &mut [f32], images: &mut [ImageNorm]| {
            let gradients = gradient.chunks_exact_mut(layout.image()).zip(images);
            for (index, (dy, norm)) in gradients.enumerate() {
                let at = (first + index) * layout.image();
                let y = &output[at..][..layout.image()];
                norm.sums.fill(0.0);
                normalisation::add_gradient_sums(
                    level,
                    &layout,
                    (&norm.mean, &norm.inverse),
                    &input[at..][..layout.image()],
                    this.relu.then_some(y),
                    dy,
                    &mut norm.sums,
                );
                norm.average_gradients(&this.groups, &this.scale_lanes);
            }
        };
        chunks.map_with_partial(
            &mut gradient,
            layout.image(),
            &mut images,
            chunks.size,
            work,
        );
        pass.workspace.gradients[own] = gradient;
        self.images = images;
        self.parameter_gradients(pass);
        self.input_gradient(pass, own);
        // A shared operand already holds the gradient, masked by the ReLU.
        if let Some(addend) = self.addend {
            super::pass_on(pass, own, &addend);
        }
    }

    fn bytes(&self) -> usize {
        let stored = self.groups.layout.stored;
        self.images.len() * Self::bytes_per_image(&self.groups.layout) as usize
            + 2 * size_of::<f32>() * stored
    }
}

impl Groups {
    /// Values of a group.
    fn values(&self) -> f64 {
        (self.channels * self.layout.positions()) as f64
    }

    /// The channels of each group.
    fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let channels = self.channels;
        let firsts = (0..self.layout.channels).step_by(channels);
        firsts.map(move |first| first..first + channels)
    }
}

impl ImageNorm {
    fn new(stored: usize) -> Result<Self, EngineError> {
        Ok(Self {
            mean: zeros(stored)?,
            inverse: zeros(stored)?,
            factor: zeros(stored)?,
            mean_gradient: zeros(stored)?,
            mean_product: zeros(stored)?,
            sums: zeros(2 * stored)?,
        })
    }

    /// Mean and variance of each group, and the factors that follow. The mean is that of differences from the group's
    /// first value, so that a mean far from 0 costs no accuracy, and a constant group has its mean exactly and
    /// variance 0.
    fn find_statistics(&mut self, level: Level, groups: &Groups, image: &[f32], scale: &[f32]) {
        let layout = &groups.layout;
        let sums = &mut self.sums[..layout.stored];
        let first = &image[layout.offset(0, 0)..][..layout.stored];
        for range in groups.ranges() {
            self.mean[range.clone()].fill(first[range.start]);
        }
        sums.fill(0.0);
        normalisation::add_sums(level, layout, image, &self.mean, false, sums);
        for range in groups.ranges() {
            let sum: f64 = sums[range.clone()].iter().sum();
            let mean = f64::from(self.mean[range.start]) + sum / groups.values();
            self.mean[range].fill(mean as f32);
        }
        sums.fill(0.0);
        normalisation::add_sums(level, layout, image, &self.mean, true, sums);
        for range in groups.ranges() {
            let squares: f64 = sums[range.clone()].iter().sum();
            self.inverse[range].fill(inverse_root(squares / groups.values() + groups.epsilon));
        }
        let inverses = self.inverse.iter().zip(scale);
        for (to, (&inverse, &scale)) in self.factor.iter_mut().zip(inverses) {
            *to = factor(scale, inverse);
        }
    }

    /// From the sums of each channel, what the gradient of the input subtracts in each group.
    fn average_gradients(&mut self, groups: &Groups, scale: &[f32]) {
        let (gradients, products) = self.sums.split_at(groups.layout.stored);
        for range in groups.ranges() {
            let mean = |sums: &[f64]| -> f32 {
                let terms = scale[range.clone()].iter().zip(&sums[range.clone()]);
                let sum: f64 = terms.map(|(&scale, &sum)| f64::from(scale) * sum).sum();
                (sum / groups.values()) as f32
            };
            self.mean_gradient[range.clone()].fill(mean(gradients));
            self.mean_product[range.clone()].fill(mean(products));
        }
    }
}
