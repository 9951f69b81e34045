//! The phases of the normalisations around a convolution that it does while an image is at hand.

use std::ops::Range;

use nn_engine::plan::GradientFlow;

use super::super::Compiling;
use super::super::normalisation::kernels::{self, Mask};
use crate::layout::{Framed, Layout};
use crate::norm::Norm;
use crate::simd::Level;
use crate::workspace::{Pass, Workspace};

/// What a convolution does for its neighbours. Norms are named by their position in the workspace.
pub(super) struct OnTheWay {
    /// The norm whose result the input is, where it is not stored.
    made_by: Option<usize>,
    /// The norm that reads the output.
    statistics: Option<usize>,
    /// The norm that left the output's gradient its last contribution.
    pending: Option<Pending>,
    /// The norm whose result the input is, where the convolution completes its gradient.
    completes: Option<Completes>,
    /// Gradient slot of the output.
    own: Option<usize>,
    /// Node that the input is read from: its own, or that which it is made from.
    read: usize,
    input: Layout,
    output: Layout,
}

struct Pending {
    norm: usize,
    /// Gradient slot of the norm's result.
    from: usize,
    accumulate: bool,
}

struct Completes {
    norm: usize,
    /// Node of the norm's result, where it is stored.
    stored: Option<usize>,
}

/// Images of a tensor, as far as there are so many.
fn some_images(tensor: &[f32], layout: Layout, first: usize, count: usize) -> &[f32] {
    let at = |image: usize| (image * layout.image()).min(tensor.len());
    &tensor[at(first)..at(first + count)]
}

impl OnTheWay {
    /// Of the group `index`.
    pub(super) fn new(context: &Compiling<'_>, index: usize) -> Self {
        let (plan, groups) = (context.plan, context.plan.groups());
        let group = &groups[index];
        let input = group.inputs[0];
        let made_by = plan.writer(input).filter(|_| !plan.is_stored(input));
        let pending = plan.pending(index).and_then(|from| {
            Some(Pending {
                norm: context.norm(from)?,
                from: plan.gradient_slot(groups[from].output)?,
                accumulate: groups[from].gradients[0] == GradientFlow::Accumulate,
            })
        });
        let completes = plan.gradient_sums_for(index).and_then(|norm| {
            Some(Completes {
                norm: context.norm(norm).filter(|_| groups[norm].trains)?,
                stored: plan.is_stored(input).then_some(input.index()),
            })
        });
        // Made from what its norm reads.
        let read = made_by.map_or(input, |norm| groups[norm].inputs[0]);
        Self {
            read: read.index(),
            made_by: made_by.and_then(|norm| context.norm(norm)),
            statistics: plan
                .statistics_for(index)
                .and_then(|norm| context.norm(norm)),
            pending,
            completes,
            own: plan.gradient_slot(group.output),
            input: context.layouts[input.index()],
            output: context.layouts[group.output.index()],
        }
    }

    /// The norm that wants statistics of the output in this pass.
    pub(super) fn statistics_for(&self, pass: &Pass<'_>) -> Option<usize> {
        let norms = &pass.workspace.norms;
        self.statistics
            .filter(|&norm| norms[norm].needs_statistics(pass.mode))
    }

    /// Whether a norm left the output's gradient its last contribution.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// The norm whose gradient sums the convolution finds.
    pub(super) fn completes(&self) -> Option<usize> {
        self.completes.as_ref().map(|completes| completes.norm)
    }

    /// What [`fill_input`](Self::fill_input) reads for some images, as far as there are so many.
    pub(super) fn input<'a>(
        &self,
        workspace: &'a Workspace,
        first: usize,
        count: usize,
    ) -> &'a [f32] {
        some_images(&workspace.activations[self.read], self.input, first, count)
    }

    /// What [`fill_gradient`](Self::fill_gradient) reads for some images, but for what it changes itself.
    pub(super) fn gradient<'a>(
        &self,
        workspace: &'a Workspace,
        first: usize,
        count: usize,
    ) -> [&'a [f32]; 2] {
        let some = |list: &'a [f32]| some_images(list, self.output, first, count);
        match (&self.pending, self.own) {
            (Some(Pending { norm, from, .. }), _) => {
                let norm = &workspace.norms[*norm];
                [
                    some(&workspace.gradients[*from]),
                    some(&workspace.activations[norm.input]),
                ]
            }
            (None, Some(own)) => [some(&workspace.gradients[own]), &[]],
            (None, None) => [&[], &[]],
        }
    }

    /// Puts images of the input into frames, normalised where they are not stored so.
    pub(super) fn fill_input(
        &self,
        level: Level,
        workspace: &Workspace,
        (frame, framed): (&Framed, &mut [f32]),
        images: Range<usize>,
    ) {
        let (layout, norm) = (frame.inner, self.made_by.map(|norm| &workspace.norms[norm]));
        let tensor = &workspace.activations[self.read];
        for (image, framed) in images.zip(framed.chunks_exact_mut(frame.image())) {
            let x = &tensor[image * layout.image()..][..layout.image()];
            frame.fill(framed, |y, row| {
                let x = &x[y * layout.row()..][..layout.row()];
                match norm {
                    None => row.copy_from_slice(x),
                    Some(norm) => {
                        kernels::apply(level, norm.coefficients(image), x, None, row, norm.relu);
                    }
                }
            });
        }
    }

    /// Puts images of the output's gradient into frames, with the contribution that was left to it; in `own`, the
    /// images' part of the output's gradient, that is kept.
    pub(super) fn fill_gradient<'a>(
        &self,
        level: Level,
        workspace: &Workspace,
        mut own: impl Iterator<Item = &'a mut [f32]>,
        (frame, framed): (&Framed, &mut [f32]),
        images: Range<usize>,
    ) {
        let layout: Layout = frame.inner;
        for (image, framed) in images.zip(framed.chunks_exact_mut(frame.image())) {
            let at = image * layout.image()..(image + 1) * layout.image();
            let Some(Pending {
                norm,
                from,
                accumulate,
            }) = &self.pending
            else {
                // The plan keeps a gradient unless all of it is left to the group itself.
                let slot = self.own.expect("a gradient that is kept");
                let dy = &workspace.gradients[slot][at];
                frame.fill(framed, |y, row| {
                    row.copy_from_slice(&dy[y * layout.row()..][..layout.row()]);
                });
                continue;
            };
            let norm: &Norm = &workspace.norms[*norm];
            let x = &workspace.activations[norm.input][at.clone()];
            let dz = &workspace.gradients[*from][at];
            let coefficients = norm.gradient_coefficients(image);
            let mut kept = own.next();
            frame.fill(framed, |y, row| {
                let span = y * layout.row()..(y + 1) * layout.row();
                let (x, dz) = (&x[span.clone()], &dz[span.clone()]);
                match &mut kept {
                    None => kernels::input_gradient(level, coefficients, x, dz, row, false),
                    Some(kept) => {
                        let kept = &mut kept[span];
                        kernels::input_gradient(level, coefficients, x, dz, kept, *accumulate);
                        row.copy_from_slice(kept);
                    }
                }
            });
        }
    }

    /// Finds the statistics of images that have just been written, one list of sums each; none where nobody asks.
    pub(super) fn statistics<'a>(
        level: Level,
        layout: &Layout,
        written: &[f32],
        sums: impl Iterator<Item = &'a mut [f64]>,
    ) {
        for (image, sums) in written.chunks_exact(layout.image()).zip(sums) {
            kernels::statistics(level, layout, image, sums);
        }
    }

    /// Masks and sums images of the input's gradient that have just been written, one list of sums each; none where
    /// nobody asks.
    pub(super) fn gradient_sums<'a>(
        &self,
        level: Level,
        workspace: &Workspace,
        written: &mut [f32],
        sums: impl Iterator<Item = &'a mut [f64]>,
        images: Range<usize>,
    ) {
        let Some(Completes { norm, stored }) = &self.completes else {
            return;
        };
        let norm = &workspace.norms[*norm];
        let layout = norm.layout;
        let written = written.chunks_exact_mut(layout.image());
        for (image, (dz, sums)) in images.zip(written.zip(sums)) {
            let at = image * layout.image()..(image + 1) * layout.image();
            let stored = stored.map(|node| &workspace.activations[node][at.clone()]);
            kernels::gradient_sums(
                level,
                &layout,
                norm.coefficients(image),
                &workspace.activations[norm.input][at],
                Mask::of(norm.relu, stored),
                dz,
                sums,
            );
        }
    }
}
