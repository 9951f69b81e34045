//! What images are normalised with, between the phases of a pass.

use nn_engine::EngineError;
use nn_graph::{Graph, Op};

use crate::compiling::Compiling;
use crate::layout::Layout;
use crate::memory::{Buffer, zeros};

/// What an image's values are normalised with: `y = (x − mean) · factor + offset`; `x̂ = (x − mean) · inverse`.
#[derive(Clone, Copy)]
pub(crate) struct Coefficients<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) inverse: &'a [f32],
    pub(crate) factor: &'a [f32],
    pub(crate) offset: &'a [f32],
}

/// What the gradient of an image's input is made with:
/// `dx = inverse · (scale · dy − mean_gradient − x̂ · mean_product)`, `x̂ = (x − mean) · inverse`.
#[derive(Clone, Copy)]
pub(crate) struct GradientCoefficients<'a> {
    pub(crate) mean: &'a [f32],
    pub(crate) inverse: &'a [f32],
    pub(crate) scale: &'a [f32],
    pub(crate) mean_gradient: &'a [f32],
    pub(crate) mean_product: &'a [f32],
}

/// What normalisation does in a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Use the batch's statistics and move the running ones.
    Train,
    /// Use the running statistics.
    Evaluate,
}

/// What statistics are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// A channel of all images.
    Batch,
    /// So many groups of the channels of each image.
    Groups(usize),
}

/// One normalisation. Lists are `[set][stored]`, one set for all images or one for each; `[stored]` where all images
/// have them in common.
pub(crate) struct Norm {
    pub(crate) layout: Layout,
    /// The node that is normalised.
    pub(crate) input: usize,
    pub(crate) over: Over,
    pub(crate) relu: bool,
    /// `μ`, `1/√(σ² + ε)`, and the latter times the scale.
    pub(crate) mean: Buffer,
    pub(crate) inverse: Buffer,
    pub(crate) factor: Buffer,
    /// The means of `scale · dy` and `scale · dy · x̂` over what the statistics are taken over.
    pub(crate) mean_gradient: Buffer,
    pub(crate) mean_product: Buffer,
    /// Scale and shift, 1 and 0 where there are none: `[stored]`.
    pub(crate) scale: Buffer,
    pub(crate) shift: Buffer,
    /// `[image][2][stored]`: forward, mean and sum of squares about it over an image's positions; backward, `Σ dy` and
    /// `Σ dy · x̂`.
    pub(crate) sums: Vec<f64>,
    /// Sums over images, `[2][stored]`.
    pub(crate) total: Vec<f64>,
}

impl Norm {
    fn new(
        layout: Layout,
        input: usize,
        over: Over,
        relu: bool,
        batch_size: usize,
    ) -> Result<Self, EngineError> {
        let sets = if over == Over::Batch { 1 } else { batch_size };
        let list = || Buffer::zeros(sets * layout.stored);
        let mut scale = Buffer::zeros(layout.stored)?;
        scale[..layout.channels].fill(1.0);
        Ok(Self {
            layout,
            input,
            over,
            relu,
            mean: list()?,
            inverse: list()?,
            factor: list()?,
            mean_gradient: list()?,
            mean_product: list()?,
            scale,
            shift: Buffer::zeros(layout.stored)?,
            sums: zeros(batch_size * 2 * layout.stored)?,
            total: zeros(2 * layout.stored)?,
        })
    }

    /// Bytes for each image of a batch.
    pub(crate) fn bytes_per_image(layout: &Layout, over: Over) -> u128 {
        let lists = if over == Over::Batch {
            0
        } else {
            5 * size_of::<f32>()
        };
        (lists + 2 * size_of::<f64>()) as u128 * layout.stored as u128
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        4 * (5 * self.mean.len() + self.scale.len() + self.shift.len())
            + 8 * (self.sums.len() + self.total.len())
    }

    /// Whether a pass in this mode takes statistics.
    pub(crate) fn needs_statistics(&self, mode: Mode) -> bool {
        mode == Mode::Train || self.over != Over::Batch
    }

    /// Values of a channel that statistics are taken over, in one image.
    pub(crate) fn positions(&self) -> f64 {
        self.layout.positions() as f64
    }

    pub(crate) fn set_affine(&mut self, scale: Option<&[f32]>, shift: Option<&[f32]>) {
        for (lanes, values) in [(&mut self.scale, scale), (&mut self.shift, shift)] {
            if let Some(values) = values {
                lanes[..values.len()].copy_from_slice(values);
            }
        }
    }

    /// Sums over all images: `Σ dy`, the shift's gradient, and `Σ dy · x̂`, the scale's.
    pub(crate) fn totals(&self) -> [&[f64]; 2] {
        let (gradients, products) = self.total.split_at(self.layout.stored);
        [gradients, products]
    }

    fn set<'a>(&self, list: &'a [f32], image: usize) -> &'a [f32] {
        let set = if self.over == Over::Batch { 0 } else { image };
        &list[set * self.layout.stored..][..self.layout.stored]
    }

    /// What an image of the batch is normalised with.
    pub(crate) fn coefficients(&self, image: usize) -> Coefficients<'_> {
        Coefficients {
            mean: self.set(&self.mean, image),
            inverse: self.set(&self.inverse, image),
            factor: self.set(&self.factor, image),
            offset: &self.shift,
        }
    }

    /// What the gradient of an image's input is made with.
    pub(crate) fn gradient_coefficients(&self, image: usize) -> GradientCoefficients<'_> {
        GradientCoefficients {
            mean: self.set(&self.mean, image),
            inverse: self.set(&self.inverse, image),
            scale: &self.scale,
            mean_gradient: self.set(&self.mean_gradient, image),
            mean_product: self.set(&self.mean_product, image),
        }
    }
}

/// The norms of a workspace, one for each group that normalises, in their order.
pub(crate) fn norms(context: &Compiling<'_>) -> Result<Vec<Norm>, EngineError> {
    let groups = context.plan.groups().iter();
    groups
        .filter(|group| group.phases.is_some())
        .map(|group| {
            let over = match &context.graph.node(group.head).op {
                Op::GroupNorm(norm) => Over::Groups(norm.groups),
                _ => Over::Batch,
            };
            let layout = context.layouts[group.inputs[0].index()];
            let input = group.inputs[0].index();
            Norm::new(
                layout,
                input,
                over,
                group.relu.is_some(),
                context.batch_size,
            )
        })
        .collect()
}

/// Bytes that normalisations keep for each image of a batch.
pub(crate) fn bytes_per_image(graph: &Graph, layouts: &[Layout]) -> u128 {
    let nodes = graph.nodes().iter().zip(layouts);
    nodes
        .map(|(node, layout)| match &node.op {
            Op::BatchNorm(_) => Norm::bytes_per_image(layout, Over::Batch),
            Op::GroupNorm(norm) => Norm::bytes_per_image(layout, Over::Groups(norm.groups)),
            _ => 0,
        })
        .sum()
}
