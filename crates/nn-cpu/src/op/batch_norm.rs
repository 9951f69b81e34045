//! `y = scale · (x − μ)/√(σ² + ε) + shift`, then perhaps an addition, then perhaps ReLU.
//!
//! Forward: one pass for the mean, of differences from the batch's first position (so that a mean far
//! from 0 costs no accuracy, and a constant channel has its mean exactly and variance 0), one for the
//! centred squares, one to normalise. Backward: one pass for the two sums, one for the gradient. Sums run in
//! float32 within a row and in float64 beyond.

use nn_engine::EngineError;
use nn_engine::plan::{GradientFlow, Group};
use nn_graph::op::BatchNorm;

use super::normalisation::{self, Coefficients, GradientCoefficients, factor, inverse_root};
use super::{Compiling, Step, Tensor};
use crate::memory::zeros;
use crate::workspace::{Mode, Pass, Scratch};

pub(super) struct NormStep {
    input: Tensor,
    output: Tensor,
    addend: Option<Tensor>,
    relu: bool,
    scale: Option<usize>,
    shift: Option<usize>,
    epsilon: f64,
    /// Position among the graph's batch normalisations.
    normaliser: usize,
    /// `μ`, `1/√(σ² + ε)`, and what multiplies and shifts, of the last forward pass: `[stored]` each.
    mean: Vec<f32>,
    inverse: Vec<f32>,
    factor: Vec<f32>,
    offset: Vec<f32>,
    /// The two means over positions that the gradient of the input subtracts: `[stored]` each.
    mean_gradient: Vec<f32>,
    mean_product: Vec<f32>,
}

impl NormStep {
    pub(super) fn new(
        context: &Compiling<'_>,
        group: &Group,
        norm: &BatchNorm,
    ) -> Result<Self, EngineError> {
        let input = context.input(group, 0);
        let normalisers = context.graph.batch_norms();
        let channels = || zeros(input.layout.stored);
        Ok(Self {
            input,
            output: context.output(group),
            addend: context.addend(group),
            relu: group.relu.is_some(),
            scale: norm.scale.map(|id| id.index()),
            shift: norm.shift.map(|id| id.index()),
            epsilon: norm.epsilon,
            normaliser: normalisers
                .iter()
                .take_while(|&&id| id != group.head)
                .count(),
            mean: channels()?,
            inverse: channels()?,
            factor: channels()?,
            offset: channels()?,
            mean_gradient: channels()?,
            mean_product: channels()?,
        })
    }

    /// Values each channel is averaged over.
    fn count(&self, pass: &Pass<'_>) -> f64 {
        (pass.chunks.images * self.input.layout.positions()) as f64
    }

    /// Sums over the batch of `x − centre`, or of its square, per channel.
    fn batch_sums(&self, pass: &mut Pass<'_>, square: bool) {
        let (layout, level) = (self.input.layout, pass.level);
        let input = &pass.workspace.activations[self.input.node];
        let centre = &self.mean;
        pass.chunks
            .partials(&mut pass.workspace.sums, layout.stored, |images, sums| {
                sums.fill(0.0);
                for image in images {
                    let image = &input[image * layout.image()..][..layout.image()];
                    normalisation::add_sums(level, &layout, image, centre, square, sums);
                }
            });
        reduce(&mut pass.workspace.sums, layout.stored, pass.chunks.count());
    }

    /// Mean and variance of the batch, and the running statistics moved towards them.
    fn batch_statistics(&mut self, pass: &mut Pass<'_>) {
        let count = self.count(pass);
        let channels = self.input.layout.channels;
        let (layout, node) = (self.input.layout, self.input.node);
        let first = &pass.workspace.activations[node][layout.offset(0, 0)..][..layout.stored];
        self.mean.copy_from_slice(first);
        self.batch_sums(pass, false);
        for (mean, sum) in self.mean.iter_mut().zip(&pass.workspace.sums) {
            *mean = (f64::from(*mean) + sum / count) as f32;
        }
        self.batch_sums(pass, true);
        let running = &mut pass.statistics[self.normaliser];
        let (mean_factor, variance_factor) = pass.statistics_factors[self.normaliser];
        let moved = |running: f32, factor: f64, batch: f64| {
            let momentum = BatchNorm::STATISTICS_MOMENTUM;
            ((1.0 - momentum) * f64::from(running) * factor + momentum * batch) as f32
        };
        for channel in 0..channels {
            let squares = pass.workspace.sums[channel];
            self.inverse[channel] = inverse_root(squares / count + self.epsilon);
            let (mean, variance) = (&mut running.mean[channel], &mut running.variance[channel]);
            *mean = moved(*mean, mean_factor, f64::from(self.mean[channel]));
            *variance = moved(*variance, variance_factor, squares / (count - 1.0).max(1.0));
        }
    }

    fn running_statistics(&mut self, pass: &Pass<'_>) {
        let running = &pass.statistics[self.normaliser];
        let (mean_factor, variance_factor) = pass.statistics_factors[self.normaliser];
        for channel in 0..self.input.layout.channels {
            self.mean[channel] = (f64::from(running.mean[channel]) * mean_factor) as f32;
            let variance = f64::from(running.variance[channel]) * variance_factor;
            self.inverse[channel] = inverse_root(variance + self.epsilon);
        }
    }

    /// From the batch's gradient sums: parameter gradients, and what the gradient of the input subtracts.
    fn finish_gradient_sums(&mut self, pass: &mut Pass<'_>) {
        let count = self.count(pass);
        let (channels, stored) = (self.input.layout.channels, self.input.layout.stored);
        let sums = &pass.workspace.sums[..2 * stored];
        for channel in 0..channels {
            self.mean_gradient[channel] = (sums[channel] / count) as f32;
            self.mean_product[channel] = (sums[stored + channel] / count) as f32;
        }
        let gradients = &mut pass.workspace.parameter_gradients;
        for (parameter, sums) in [(self.shift, &sums[..stored]), (self.scale, &sums[stored..])] {
            let Some(parameter) = parameter else { continue };
            gradients[parameter]
                .iter_mut()
                .zip(sums)
                .for_each(|(to, &sum)| *to = sum as f32);
        }
    }

    fn input_gradient(&self, pass: &mut Pass<'_>, own: usize) {
        let (layout, level) = (self.input.layout, pass.level);
        let accumulate = self.input.flow == GradientFlow::Accumulate;
        pass.map_gradient(&self.input, |workspace, first, target| {
            let input = &workspace.activations[self.input.node];
            let gradient = &workspace.gradients[own];
            for (index, dx) in target.chunks_exact_mut(layout.image()).enumerate() {
                let at = (first + index) * layout.image();
                normalisation::input_gradient(
                    level,
                    &layout,
                    GradientCoefficients {
                        mean: &self.mean,
                        inverse: &self.inverse,
                        factor: &self.factor,
                        weight: None,
                        mean_gradient: &self.mean_gradient,
                        mean_product: &self.mean_product,
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

impl Step for NormStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        match pass.mode {
            Mode::Train => self.batch_statistics(pass),
            Mode::Evaluate => self.running_statistics(pass),
        }
        for channel in 0..self.input.layout.channels {
            let scale = self
                .scale
                .map_or(1.0, |scale| pass.parameters[scale][channel]);
            self.factor[channel] = factor(scale, self.inverse[channel]);
            self.offset[channel] = self
                .shift
                .map_or(0.0, |shift| pass.parameters[shift][channel]);
        }
        let (layout, level) = (self.output.layout, pass.level);
        pass.map_activation(&self.output, |workspace, first, output| {
            let input = &workspace.activations[self.input.node];
            let addend = self
                .addend
                .map(|addend| &workspace.activations[addend.node]);
            for (index, y) in output.chunks_exact_mut(layout.image()).enumerate() {
                let at = (first + index) * layout.image();
                normalisation::apply(
                    level,
                    &layout,
                    Coefficients {
                        mean: &self.mean,
                        factor: &self.factor,
                        offset: &self.offset,
                    },
                    &input[at..][..layout.image()],
                    addend.map(|addend| &addend[at..][..layout.image()]),
                    y,
                    self.relu,
                );
            }
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        let (layout, level, stored) = (self.input.layout, pass.level, self.input.layout.stored);
        let mut gradient = std::mem::take(&mut pass.workspace.gradients[own]);
        let mut sums = std::mem::take(&mut pass.workspace.sums);
        let input = &pass.workspace.activations[self.input.node];
        let output = &pass.workspace.activations[self.output.node];
        let this = &*self;
        let work = |first: usize, gradient: &mut [f32], sums: &mut [f64]| {
            sums.fill(0.0);
            for (index, dy) in gradient.chunks_exact_mut(layout.image()).enumerate() {
                let at = (first + index) * layout.image();
                let y = &output[at..][..layout.image()];
                normalisation::add_gradient_sums(
                    level,
                    &layout,
                    (&this.mean, &this.inverse),
                    &input[at..][..layout.image()],
                    this.relu.then_some(y),
                    dy,
                    sums,
                );
            }
        };
        pass.chunks
            .map_with_partial(&mut gradient, layout.image(), &mut sums, 2 * stored, work);
        reduce(&mut sums, 2 * stored, pass.chunks.count());
        pass.workspace.gradients[own] = gradient;
        pass.workspace.sums = sums;
        self.finish_gradient_sums(pass);
        self.input_gradient(pass, own);
        // A shared operand already holds the gradient, masked by the ReLU.
        if let Some(addend) = self.addend {
            super::pass_on(pass, own, &addend);
        }
    }

    fn scratch(&self) -> Scratch {
        Scratch {
            sums: 2 * self.input.layout.stored,
            ..Scratch::default()
        }
    }

    fn bytes(&self) -> usize {
        6 * 4 * self.input.layout.stored
    }
}

/// Adds the partial sums of all chunks into those of the first, in order.
fn reduce(sums: &mut [f64], length: usize, chunks: usize) {
    let (total, rest) = sums.split_at_mut(length);
    for partial in rest.chunks_exact(length).take(chunks.saturating_sub(1)) {
        total
            .iter_mut()
            .zip(partial)
            .for_each(|(total, partial)| *total += partial);
    }
}
