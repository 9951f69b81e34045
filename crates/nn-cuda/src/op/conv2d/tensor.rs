//! Which kernels compute a convolution on tensor cores: `kernels/tensor_*.cu`.

use nn_engine::Products;

use super::shape::{Cut, Form, Product, Shape, WeightProduct};
use crate::arguments::Sizes;
use crate::launch::Kernel as K;
use crate::layout::{Layout, Tiling};

/// Channels of a block of a convolution that is not 3×3 of stride 1.
const COLUMNS: usize = 32;

/// Blocks that sum the gradient of a weight, about: two for each multiprocessor of a large GPU; one where a block's part of it is
/// four times as large.
const NARROW_BLOCKS: usize = 264;
const WIDE_BLOCKS: usize = 132;

/// The kernel that writes a tensor, forward or (`towards` 1) backward, and how it cuts it.
pub(super) fn product(shape: &Shape, target: Layout, towards: usize) -> Product {
    let stride = if towards == 0 { 1 } else { shape.stride };
    // Of each class, where positions a stride apart are taken together.
    let width = target.width.div_ceil(stride);
    let (kernels, [tile_height, tile_width, columns]) = match (shape.is_3x3(), width) {
        (true, _) => unit(target),
        (false, 9..) => (
            [K::TensorForward4x16x32, K::TensorBackward4x16x32],
            [4, 16, COLUMNS],
        ),
        (false, _) => (
            [K::TensorForward8x8x32, K::TensorBackward8x8x32],
            [8, 8, COLUMNS],
        ),
    };
    Product {
        kernel: kernels[towards],
        tiling: Tiling::of(target, [tile_height, tile_width], stride),
        columns,
        tiled: true,
    }
}

/// How many blocks of a kernel a multiprocessor has at once, if a block may take several tiles: where its shared memory has room for
/// its whole weight, of so many channels of the source.
pub(super) fn blocks_at_once(kernel: K, products: Products, sizes: &Sizes) -> Option<usize> {
    let is_short = products == Products::Bf16;
    let (channels, most, blocks) = match kernel {
        K::TensorUnitForward8x32x16 => (sizes.in_channels, 16, 3),
        K::TensorUnitForward8x16x32 => (sizes.in_channels, 32, 3),
        K::TensorUnitForward8x8x32 => (sizes.in_channels, if is_short { 64 } else { 32 }, 4),
        K::TensorUnitBackward8x8x32 => (sizes.out_channels, if is_short { 64 } else { 32 }, 4),
        _ => return None,
    };
    (channels <= most).then_some(blocks)
}

/// Of a 3×3 convolution of stride 1: its kernels forward and backward; and rows, columns and channels of a block.
fn unit(target: Layout) -> ([K; 2], [usize; 3]) {
    match (target.stored, target.width) {
        (0..=16, _) => (
            [K::TensorUnitForward8x32x16, K::TensorUnitBackward8x32x16],
            [8, 32, 16],
        ),
        (_, 0..=8) => (
            [K::TensorUnitForward8x8x32, K::TensorUnitBackward8x8x32],
            [8, 8, 32],
        ),
        (_, _) => (
            [K::TensorUnitForward8x16x32, K::TensorUnitBackward8x16x32],
            [8, 16, 32],
        ),
    }
}

/// The kernel that finds both gradients in one pass, where there is one: it writes that of the input as the one of
/// [`product`] does. Blocks of a span are those of the input's channels.
fn both_gradients(shape: &Shape, (images, room): (usize, usize)) -> Option<WeightProduct> {
    let (kernel, spans) = match (shape.input.stored, shape.output.stored, shape.input.width) {
        _ if !shape.is_3x3() => return None,
        (0..=16, 0..=16, _) => (K::TensorGradients8x32x16x16, NARROW_BLOCKS),
        (17..=32, 0..=32, 9..) => (K::TensorGradients8x16x32x32, WIDE_BLOCKS),
        _ => return None,
    };
    let product = product(shape, shape.input, 1);
    Some(WeightProduct {
        kernel,
        blocks: shape.input.stored.div_ceil(product.columns),
        cut: Cut::of_tiles(product.tiling, spans, (images, room)),
        form: Form::Both(product.tiling),
    })
}

/// The kernel for the gradient of the weight, for a batch of so many images in an engine with room for `room`; it finds that of
/// the input, too, if that is wanted and there is one.
pub(super) fn weight_product(
    shape: &Shape,
    with_input: bool,
    (images, room): (usize, usize),
) -> WeightProduct {
    if let Some(both) = both_gradients(shape, (images, room)).filter(|_| with_input) {
        return both;
    }
    let output = shape.output;
    let (kernel, tile, [in_chunk, out_chunk]) = match (shape.is_3x3(), shape.kernel, output.width) {
        (true, _, 17..) if output.stored <= 16 && shape.input.stored <= 16 => {
            (K::TensorUnitGradient4x32x16x16, [4, 32], [16, 16])
        }
        (true, _, 9..) => (K::TensorUnitGradient4x16x32x32, [4, 16], [32, 32]),
        (true, _, _) => (K::TensorUnitGradient8x8x32x32, [8, 8], [32, 32]),
        (false, 1, 9..) => (K::TensorPointGradient4x16, [4, 16], [16, 32]),
        (false, 1, _) => (K::TensorPointGradient8x8, [8, 8], [16, 32]),
        (false, _, 9..) => (K::TensorGradient4x16, [4, 16], [16, 32]),
        (false, _, _) => (K::TensorGradient8x8, [8, 8], [16, 32]),
    };
    let tiling = Tiling::of(output, tile, 1);
    let of_span = shape.input.stored.div_ceil(in_chunk) * output.stored.div_ceil(out_chunk);
    // Large parts are fewer, since all are written and read.
    let blocks = if in_chunk > 16 {
        WIDE_BLOCKS
    } else {
        NARROW_BLOCKS
    };
    WeightProduct {
        kernel,
        blocks: of_span,
        cut: Cut::of_tiles(tiling, blocks / of_span, (images, room)),
        form: Form::Tensor(tiling),
    }
}
