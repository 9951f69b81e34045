//! Convolutions, and linear layers as convolutions of images of one position: `kernels/conv2d.cu` and
//! `kernels/conv2d_weight_gradient.cu`.
//!
//! The phases of normalisations that the plan leaves to a convolution are done on the way, by the same launches.

use nn_engine::plan::GradientFlow;
use nn_graph::{Graph, Node, Op};

use super::{linear, normalisation, pooling};
use crate::arguments::{self, Norm, Partials, Sizes, Span};
use crate::launch::{Kernel, Program};
use crate::layout::Layout;
use crate::pass::{Mode, Pass, Towards, flow};

/// A convolution, from its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(super) input: Layout,
    pub(super) output: Layout,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(crate) weight: usize,
    pub(crate) bias: Option<usize>,
}

/// Positions cut into spans of `length`, `count` in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span1 {
    pub(crate) length: usize,
    pub(crate) count: usize,
}

/// The spans over which gradients of parameters are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spans {
    pub(crate) weight: Span1,
    pub(crate) bias: Span1,
}

/// Rows and columns of a tile of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// The tile for so many channels of the target, stored.
pub(crate) fn tile(channels: usize) -> Tile {
    match channels {
        0..=16 => Tile {
            rows: 128,
            columns: 16,
        },
        _ => Tile {
            rows: 64,
            columns: 32,
        },
    }
}

/// The tile of a weight's gradient for so many channels of the output, stored.
fn gradient_tile(channels: usize) -> Tile {
    match channels {
        0..=16 => Tile {
            rows: 144,
            columns: 16,
        },
        _ => Tile {
            rows: 96,
            columns: 32,
        },
    }
}

/// Blocks, about, that keep a GPU busy. The same for every GPU, so that sums have one order.
const BLOCKS: usize = 264;

/// Positions that a block of the weight's gradient takes at a time.
const DEPTH: usize = 16;

/// Spans of a bias's gradient, at most.
const BIAS_SPANS: usize = 128;

impl Shape {
    /// Of a node that is a convolution or a linear layer.
    pub(crate) fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let layout = |shape| Layout::new(shape);
        let input = |node: &Node| layout(&graph.node(node.inputs[0]).shape);
        match &node.op {
            Op::Conv2d(conv) => Some(Self {
                input: input(node),
                output: layout(&node.shape),
                kernel: graph.parameter(conv.weight).shape[2],
                stride: conv.stride,
                padding: conv.padding,
                weight: conv.weight.index(),
                bias: conv.bias.map(|id| id.index()),
            }),
            Op::Linear(layer) => Some(linear::shape(layer, input(node), layout(&node.shape))),
            _ => None,
        }
    }

    /// How positions of a batch of this size are cut.
    pub(crate) fn spans(&self, batch: usize) -> Spans {
        let positions = batch.saturating_mul(self.output.positions()).max(1);
        let tile = gradient_tile(self.output.stored);
        let tiles = self.rows().div_ceil(tile.rows) * self.output.stored.div_ceil(tile.columns);
        let count = (BLOCKS / tiles).clamp(1, positions.div_ceil(4 * DEPTH));
        let length = positions.div_ceil(count).next_multiple_of(DEPTH);
        let bias = positions.div_ceil(positions.div_ceil(BIAS_SPANS));
        Spans {
            weight: Span1 {
                length,
                count: positions.div_ceil(length),
            },
            bias: Span1 {
                length: positions.div_ceil(bias),
                count: bias,
            },
        }
    }

    /// Rows of the weight's gradient: taps times channels.
    fn rows(&self) -> usize {
        let taps = self.kernel.saturating_mul(self.kernel);
        taps.saturating_mul(self.input.stored)
    }

    fn sizes(&self) -> Sizes {
        Sizes {
            kernel: self.kernel as i32,
            stride: self.stride as i32,
            padding: self.padding as i32,
            ..pooling::sizes(self.input, self.output)
        }
    }

    /// Sets of rows of a target in a batch, and rows of each: positions of an image; but images of one position are one
    /// set, since a linear layer sums nothing for a normalisation.
    fn sets(&self, target: Layout, images: usize, sums: bool) -> (usize, usize) {
        if target.positions() == 1 && !sums {
            return (1, images);
        }
        (images, target.positions())
    }
}

fn shape(pass: &Pass<'_>, index: usize) -> Option<Shape> {
    let blueprint = pass.blueprint;
    let group = &blueprint.plan.groups()[index];
    Shape::of(&blueprint.graph, blueprint.graph.node(group.head))
}

/// Launches a product whose target has this layout.
fn launch(
    pass: &Pass<'_>,
    program: &mut Program,
    [narrow, wide]: [Kernel; 2],
    (target, sets): (Layout, usize),
    arguments: arguments::Convolution,
) {
    let tile = tile(target.stored);
    let kernel = if tile.columns == 16 { narrow } else { wide };
    let rows = sets * (arguments.rows as usize).div_ceil(tile.rows);
    let blocks = [rows, target.stored.div_ceil(tile.columns)];
    pass.launch(program, kernel, blocks, arguments);
}

pub(super) fn forward(pass: &Pass<'_>, index: usize, program: &mut Program) {
    let Some(shape) = shape(pass, index) else {
        return;
    };
    let plan = &pass.blueprint.plan;
    let group = &plan.groups()[index];
    let norm = plan
        .statistics_for(index)
        .and_then(|group| pass.blueprint.norm(group));
    let norm = norm.filter(|&norm| pass.needs_statistics(norm));
    let (sets, rows) = shape.sets(shape.output, pass.images, norm.is_some());
    let addend = group.add.and(group.inputs.last());
    let arguments = arguments::Convolution {
        source: pass.input(group),
        weight: pass.parameter(Some(shape.weight)),
        bias: pass.parameter(shape.bias),
        addend: addend.map_or(Span::NONE, |&node| pass.activation(node)),
        target: pass.activation(group.output),
        completes: Norm::default(),
        stored: Span::NONE,
        partials: norm.map_or(Partials::default(), |norm| {
            pass.partials(norm, Towards::Output)
        }),
        sizes: shape.sizes(),
        rows: rows as i32,
        flow: arguments::Flow::Write,
        mask: arguments::Mask::None,
    };
    let kernels = [Kernel::Forward128x16, Kernel::Forward64x32];
    launch(pass, program, kernels, (shape.output, sets), arguments);
}

pub(super) fn backward(pass: &Pass<'_>, index: usize, program: &mut Program) {
    debug_assert_eq!(pass.mode, Mode::Train);
    let Some(shape) = shape(pass, index) else {
        return;
    };
    let plan = &pass.blueprint.plan;
    let group = &plan.groups()[index];
    // What a normalisation left to this group is put in its place where others read it, too.
    if plan.gradient_slot(group.output).is_some()
        && let Some(norm) = plan
            .pending(index)
            .and_then(|from| pass.blueprint.norm(from))
    {
        normalisation::input_gradient(pass, norm, program);
    }
    parameter_gradients(pass, index, &shape, program);
    if group.gradients[0] != GradientFlow::None {
        input_gradient(pass, index, &shape, program);
    }
    if let (Some(_), Some(&addend)) = (group.add, group.inputs.last()) {
        let how = group.gradients[group.inputs.len() - 1];
        super::add::pass_on(pass, (group.output, addend), how, program);
    }
}

fn parameter_gradients(pass: &Pass<'_>, index: usize, shape: &Shape, program: &mut Program) {
    let group = &pass.blueprint.plan.groups()[index];
    let slots = &pass.blueprint.parameters.slots;
    let positions = (pass.images * shape.output.positions()) as i32;
    let spans = shape.spans(pass.blueprint.batch);
    let gradient = pass.output_gradient(index);
    if slots[shape.weight].trained {
        let tile = gradient_tile(shape.output.stored);
        let arguments = arguments::WeightGradient {
            input: pass.input(group),
            gradient,
            parts: pass.parts(Some(shape.weight)),
            sizes: shape.sizes(),
            positions,
            span: spans.weight.length as i32,
        };
        let kernel = match tile.columns {
            16 => Kernel::WeightGradient144x16,
            _ => Kernel::WeightGradient96x32,
        };
        let columns = shape.output.stored.div_ceil(tile.columns);
        let blocks = [
            shape.rows().div_ceil(tile.rows),
            spans.weight.count * columns,
        ];
        pass.launch(program, kernel, blocks, arguments);
    }
    if let Some(bias) = shape.bias.filter(|&bias| slots[bias].trained) {
        let arguments = arguments::BiasGradient {
            gradient,
            parts: pass.parts(Some(bias)),
            positions,
            span: spans.bias.length as i32,
            image_positions: shape.output.positions() as i32,
            channels: shape.output.stored as i32,
        };
        let blocks = [shape.output.stored.div_ceil(64), spans.bias.count];
        pass.launch(program, Kernel::BiasGradient, blocks, arguments);
    }
}

fn input_gradient(pass: &Pass<'_>, index: usize, shape: &Shape, program: &mut Program) {
    let plan = &pass.blueprint.plan;
    let group = &plan.groups()[index];
    let input = group.inputs[0];
    let completes = plan
        .gradient_sums_for(index)
        .filter(|&norm| plan.groups()[norm].trains);
    let norm = completes.and_then(|group| pass.blueprint.norm(group));
    let (sets, rows) = shape.sets(shape.input, pass.images, norm.is_some());
    let arguments = arguments::Convolution {
        source: pass.output_gradient(index),
        weight: pass.parameter(Some(shape.weight)),
        bias: Span::NONE,
        addend: Span::NONE,
        target: pass.gradient(input),
        completes: norm.map_or(Norm::default(), |norm| pass.norm(norm)),
        stored: pass.activation(input),
        partials: norm.map_or(Partials::default(), |norm| {
            pass.partials(norm, Towards::Input)
        }),
        sizes: shape.sizes(),
        rows: rows as i32,
        flow: flow(group.gradients[0]),
        mask: norm.map_or(arguments::Mask::None, |norm| {
            normalisation::mask(pass, norm)
        }),
    };
    let kernels = [Kernel::Backward128x16, Kernel::Backward64x32];
    launch(pass, program, kernels, (shape.input, sets), arguments);
}
