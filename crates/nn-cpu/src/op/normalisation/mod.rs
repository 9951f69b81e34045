//! `y = scale · (x − μ)/√(σ² + ε) + shift`, then perhaps an addition, then perhaps ReLU, with statistics over the batch
//! or over groups of channels of each image.
//!
//! Four phases ([`Phases`]): statistics, output, sums of the gradient, gradient of the input. [`NormStep`] does those
//! that the plan leaves to it; convolutions do the others on the way, with the same [`kernels`] on the same [`Norm`](crate::norm::Norm).
//!
//! Statistics are found image by image while the image is in the cache: the mean of each channel as that of differences
//! from the first position (so that a mean far from 0 costs no accuracy, and a constant channel has its mean exactly and
//! variance 0), then the sum of squares about it. They are put together in float64, in the order of the images.

mod batch;
mod group;
pub(super) mod kernels;

use nn_engine::plan::{By, GradientFlow, Group, Phases};
use nn_graph::Op;

use self::kernels::Mask;
use super::{Compiling, Step, Tensor};
use crate::norm::{Mode, Over};
use crate::workspace::Pass;

pub(super) struct NormStep {
    input: Tensor,
    output: Tensor,
    addend: Option<Tensor>,
    phases: Phases,
    scale: Option<usize>,
    shift: Option<usize>,
    /// Position among the graph's normalisations.
    norm: usize,
}

impl NormStep {
    pub(super) fn new(context: &Compiling<'_>, group: &Group, phases: Phases, norm: usize) -> Self {
        let (scale, shift) = match &context.graph.node(group.head).op {
            Op::BatchNorm(norm) => (norm.scale, norm.shift),
            Op::GroupNorm(norm) => (norm.scale, norm.shift),
            // Only these two have phases.
            other => unreachable!("{other:?} is no normalisation"),
        };
        Self {
            input: context.input(group, 0),
            output: context.output(group),
            addend: context.addend(group),
            phases,
            scale: scale.map(|id| id.index()),
            shift: shift.map(|id| id.index()),
            norm,
        }
    }

    /// Statistics in a pass of their own.
    fn statistics(&self, pass: &mut Pass<'_>) {
        let (layout, level) = (self.input.layout, pass.level);
        let mut sums = std::mem::take(&mut pass.workspace.norms[self.norm].sums);
        let input = &pass.workspace.activations[self.input.node];
        let length = 2 * layout.stored;
        pass.chunks.map(&mut sums, length, |first, sums| {
            for (index, sums) in sums.chunks_exact_mut(length).enumerate() {
                let image = &input[(first + index) * layout.image()..][..layout.image()];
                kernels::statistics(level, &layout, image, sums);
            }
        });
        pass.workspace.norms[self.norm].sums = sums;
    }

    /// From the sums of all images, what they are normalised with.
    fn finish_statistics(&self, pass: &mut Pass<'_>) {
        let norm = &mut pass.workspace.norms[self.norm];
        let parameter = |index: Option<usize>| index.map(|index| &pass.parameters[index][..]);
        norm.set_affine(parameter(self.scale), parameter(self.shift));
        let (images, factors) = (pass.chunks.images, pass.statistics_factors[self.norm]);
        let running = &mut pass.statistics[self.norm];
        match (norm.over, pass.mode) {
            (Over::Batch, Mode::Train) => batch::train(norm, images, running, factors),
            (Over::Batch, Mode::Evaluate) => batch::evaluate(norm, running, factors),
            (Over::Groups(groups), _) => group::finish(norm, groups, images, running.epsilon),
        }
    }

    fn apply(&self, pass: &mut Pass<'_>) {
        let (layout, level) = (self.output.layout, pass.level);
        pass.map_activation(&self.output, |workspace, first, output| {
            let input = &workspace.activations[self.input.node];
            let addend = self
                .addend
                .map(|addend| &workspace.activations[addend.node]);
            let norm = &workspace.norms[self.norm];
            for (index, y) in output.chunks_exact_mut(layout.image()).enumerate() {
                let at = (first + index) * layout.image();
                kernels::apply(
                    level,
                    norm.coefficients(first + index),
                    &input[at..][..layout.image()],
                    addend.map(|addend| &addend[at..][..layout.image()]),
                    y,
                    norm.relu,
                );
            }
        });
    }

    /// The mask of the ReLU, and the sums of the gradient, in a pass of their own.
    fn gradient_sums(&self, pass: &mut Pass<'_>, own: usize) {
        let (layout, level) = (self.input.layout, pass.level);
        let mut gradient = std::mem::take(&mut pass.workspace.gradients[own]);
        let mut sums = std::mem::take(&mut pass.workspace.norms[self.norm].sums);
        let workspace = &*pass.workspace;
        let norm = &workspace.norms[self.norm];
        let input = &workspace.activations[self.input.node];
        let output = &workspace.activations[self.output.node];
        let is_stored = self.phases.output == By::Itself;
        let (image, length) = (layout.image(), 2 * layout.stored);
        let parts = (
            pass.chunks.of_images(Some(&mut gradient), image),
            pass.chunks.of_images(Some(&mut sums), length),
        );
        pass.chunks.each(parts, |images, (gradient, sums)| {
            let gradients = gradient.chunks_exact_mut(image);
            for (index, (dy, sums)) in gradients.zip(sums.chunks_exact_mut(length)).enumerate() {
                let at = (images.start + index) * image;
                let stored = is_stored.then(|| &output[at..][..image]);
                kernels::gradient_sums(
                    level,
                    &layout,
                    norm.coefficients(images.start + index),
                    &input[at..][..image],
                    Mask::of(norm.relu, stored),
                    dy,
                    sums,
                );
            }
        });
        pass.workspace.gradients[own] = gradient;
        pass.workspace.norms[self.norm].sums = sums;
    }

    /// Parameter gradients, and what the gradient of the input subtracts.
    fn finish_gradient_sums(&self, pass: &mut Pass<'_>) {
        let images = pass.chunks.images;
        let norm = &mut pass.workspace.norms[self.norm];
        match norm.over {
            Over::Batch => batch::average_gradients(norm, images),
            Over::Groups(groups) => group::average_gradients(norm, groups, images),
        }
        let gradients = &mut pass.workspace.parameter_gradients;
        for (parameter, totals) in [self.shift, self.scale].into_iter().zip(norm.totals()) {
            let Some(parameter) = parameter else { continue };
            let gradient = gradients[parameter].iter_mut().zip(totals);
            gradient.for_each(|(to, &total)| *to = total as f32);
        }
    }

    fn input_gradient(&self, pass: &mut Pass<'_>, own: usize) {
        let (layout, level) = (self.input.layout, pass.level);
        let accumulate = self.input.flow == GradientFlow::Accumulate;
        pass.map_gradient(&self.input, |workspace, first, target| {
            let input = &workspace.activations[self.input.node];
            let gradient = &workspace.gradients[own];
            let norm = &workspace.norms[self.norm];
            for (index, dx) in target.chunks_exact_mut(layout.image()).enumerate() {
                let at = (first + index) * layout.image();
                kernels::input_gradient(
                    level,
                    norm.gradient_coefficients(first + index),
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
        let needed = pass.workspace.norms[self.norm].needs_statistics(pass.mode);
        if needed && self.phases.statistics == By::Itself {
            self.statistics(pass);
        }
        self.finish_statistics(pass);
        if self.phases.output == By::Itself {
            self.apply(pass);
        }
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        if self.phases.gradient_sums == By::Itself {
            self.gradient_sums(pass, own);
        }
        self.finish_gradient_sums(pass);
        if self.phases.input_gradient == By::Itself {
            self.input_gradient(pass, own);
        }
        // A shared operand already holds the gradient, masked by the ReLU.
        if let Some(addend) = self.addend {
            super::pass_on(pass, own, &addend);
        }
    }
}
