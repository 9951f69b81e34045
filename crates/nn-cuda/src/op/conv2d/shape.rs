//! Sizes of a convolution, and which kernels compute it.

use nn_engine::Products;
use nn_graph::{Graph, Node, Op};

use super::tensor;
use crate::arguments::Sizes;
use crate::launch::Kernel;
use crate::layout::{Layout, Tiling};
use crate::op::{linear, pooling};

/// A convolution, from its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) input: Layout,
    pub(crate) output: Layout,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) weight: usize,
    pub(crate) bias: Option<usize>,
    /// Whether its factors are rounded for tensor cores, where there are kernels for it; else they are multiplied in full.
    pub(crate) on_tensor_cores: bool,
}

/// How a product with positions as rows is computed: forward, or for the gradient of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) kernel: Kernel,
    /// Positions of a block.
    pub(crate) tiling: Tiling,
    /// Channels of a block.
    pub(crate) columns: usize,
    /// Whether a block keeps within an image.
    pub(crate) tiled: bool,
}

/// Something cut into `count` spans of `length`, of which the last may be empty.
///
/// The length follows from the batch, so that sums have the order of that batch whatever engine it is in; the count from
/// the largest batch, for which there is memory: empty spans add nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) length: usize,
    pub(crate) count: usize,
}

impl Cut {
    /// Of the tiles of so many images, in an engine with room for `room`, into so many spans at most.
    pub(super) fn of_tiles(tiling: Tiling, spans: usize, (images, room): (usize, usize)) -> Self {
        let tiles = |images: usize| images.saturating_mul(tiling.tiles()).max(1);
        let spans = |images| spans.clamp(1, tiles(images));
        Self {
            length: tiles(images).div_ceil(spans(images)),
            count: spans(room),
        }
    }
}

/// How the gradient of the weight is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WeightProduct {
    pub(crate) kernel: Kernel,
    /// Blocks of one span.
    pub(crate) blocks: usize,
    /// What is summed, in positions or tiles, as it is cut.
    pub(crate) cut: Cut,
    pub(crate) form: Form,
}

/// How the gradient of a weight goes through the positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One after another.
    Flat,
    /// Tile by tile.
    Tiled(Tiling),
    /// Tile by tile, on tensor cores.
    Tensor(Tiling),
    /// The same, and the gradient of the input with it.
    Both(Tiling),
}

/// Blocks, about, that keep a GPU busy. The same for every GPU, so that sums have one order.
const BLOCKS: usize = 264;

/// Positions that a block of the weight's gradient takes at a time.
const DEPTH: usize = 16;

/// Spans of a bias's gradient, at most.
const BIAS_SPANS: usize = 128;

/// Channels that a block of a tiled gradient has of input and output.
const CHUNK: usize = 16;

impl Shape {
    /// Of a node that is a convolution or a linear layer, where factors are to be rounded so.
    pub(crate) fn of(graph: &Graph, node: &Node, products: Products) -> Option<Self> {
        let input = |node: &Node| Layout::new(&graph.node(node.inputs[0]).shape);
        let output = Layout::new(&node.shape);
        match &node.op {
            Op::Conv2d(conv) => {
                let kernel = graph.parameter(conv.weight).shape[2];
                let has_kernels = matches!(kernel, 1 | 3) && conv.stride <= 2;
                Some(Self {
                    input: input(node),
                    output,
                    kernel,
                    stride: conv.stride,
                    padding: conv.padding,
                    weight: conv.weight.index(),
                    bias: conv.bias.map(|id| id.index()),
                    on_tensor_cores: products != Products::Full && has_kernels,
                })
            }
            Op::Linear(layer) => Some(linear::shape(layer, input(node), output)),
            _ => None,
        }
    }

    /// Whether it is 3×3 with the input's positions.
    pub(super) fn is_3x3(&self) -> bool {
        (self.kernel, self.stride, self.padding) == (3, 1, 1)
    }

    /// The kernel that writes the output.
    pub(crate) fn forward(&self) -> Product {
        match self.on_tensor_cores {
            false => self.product(self.output, 1, |kernels| kernels[0]),
            true => tensor::product(self, self.output, 0),
        }
    }

    /// The kernel that writes the input's gradient.
    pub(crate) fn backward(&self) -> Product {
        match self.on_tensor_cores {
            false => self.product(self.input, self.stride, |kernels| kernels[1]),
            true => tensor::product(self, self.input, 1),
        }
    }

    /// How a tensor is written, of whose positions those a stride apart are taken together.
    fn product(
        &self,
        target: Layout,
        stride: usize,
        kernel: impl Fn([Kernel; 2]) -> Kernel,
    ) -> Product {
        let tiled = |kernels, [tile_height, tile_width, columns]: [usize; 3]| Product {
            kernel: kernel(kernels),
            tiling: Tiling::of(target, [tile_height, tile_width], 1),
            columns,
            tiled: true,
        };
        let flat = |kernels, [rows, columns]: [usize; 2]| Product {
            kernel: kernel(kernels),
            tiling: Tiling::strided(target, rows, stride),
            columns,
            tiled: false,
        };
        use Kernel as K;
        match (self.is_3x3(), target.stored, target.width) {
            (true, 0..=16, _) => tiled(
                [K::Forward3x3By4x32x16, K::Backward3x3By4x32x16],
                [4, 32, 16],
            ),
            (true, _, 0..=8) => tiled([K::Forward3x3By8x8x32, K::Backward3x3By8x8x32], [8, 8, 32]),
            (true, _, _) => tiled(
                [K::Forward3x3By4x16x32, K::Backward3x3By4x16x32],
                [4, 16, 32],
            ),
            (false, 0..=16, _) => flat([K::Forward128x16, K::Backward128x16], [128, 16]),
            (false, _, _) => flat([K::Forward64x32, K::Backward64x32], [64, 32]),
        }
    }

    /// The kernel for the gradient of the weight, for a batch of so many images in an engine with room for `room`.
    /// It may find that of the input, too, if that is wanted.
    pub(crate) fn weight_product(
        &self,
        with_input: bool,
        (images, room): (usize, usize),
    ) -> WeightProduct {
        if self.on_tensor_cores {
            return tensor::weight_product(self, with_input, (images, room));
        }
        if self.is_3x3() {
            return self.tiled_weight_product(images, room);
        }
        let (kernel, rows, columns) = match self.output.stored {
            0..=16 => (Kernel::WeightGradient144x16, 144, 16),
            _ => (Kernel::WeightGradient96x32, 96, 32),
        };
        let blocks = self.rows().div_ceil(rows) * self.output.stored.div_ceil(columns);
        let positions = |images: usize| images.saturating_mul(self.output.positions()).max(1);
        let spans = |images| (BLOCKS / blocks).clamp(1, positions(images).div_ceil(4 * DEPTH));
        let length = positions(images).div_ceil(spans(images));
        WeightProduct {
            kernel,
            blocks: self.rows().div_ceil(rows),
            cut: Cut {
                length: length.next_multiple_of(DEPTH),
                count: spans(room),
            },
            form: Form::Flat,
        }
    }

    fn tiled_weight_product(&self, images: usize, room: usize) -> WeightProduct {
        let (kernel, tile) = match self.output.width {
            0..=8 => (Kernel::WeightGradient3x3By8x8, [8, 8]),
            9..=16 => (Kernel::WeightGradient3x3By8x16, [8, 16]),
            _ => (Kernel::WeightGradient3x3By4x32, [4, 32]),
        };
        let tiling = Tiling::of(self.output, tile, 1);
        let blocks = self.input.stored.div_ceil(CHUNK) * self.output.stored.div_ceil(CHUNK);
        WeightProduct {
            kernel,
            blocks,
            cut: Cut::of_tiles(tiling, BLOCKS / blocks, (images, room)),
            form: Form::Tiled(tiling),
        }
    }

    /// How the positions of such a batch are cut for the gradient of the bias.
    pub(crate) fn bias_cut(&self, images: usize, room: usize) -> Cut {
        let positions = |images: usize| images.saturating_mul(self.output.positions()).max(1);
        Cut {
            length: positions(images).div_ceil(BIAS_SPANS),
            count: positions(room).min(BIAS_SPANS),
        }
    }

    /// Rows of the weight's gradient: taps times channels.
    fn rows(&self) -> usize {
        let taps = self.kernel.saturating_mul(self.kernel);
        taps.saturating_mul(self.input.stored)
    }

    pub(super) fn sizes(&self) -> Sizes {
        Sizes {
            kernel: self.kernel as i32,
            stride: self.stride as i32,
            padding: self.padding as i32,
            ..pooling::sizes(self.input, self.output)
        }
    }
}
