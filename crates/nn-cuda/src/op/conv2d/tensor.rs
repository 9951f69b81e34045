//! Which kernels compute a convolution on tensor cores: `kernels/tensor_*.cu`.

use nn_engine::Products;

use super::shape::{Cut, Form, Product, Shape, WeightProduct};
use crate::launch::Kernel as K;
use crate::layout::{Layout, Tiling};

/// Channels of a block of a convolution that is not 3×3 of stride 1.
const COLUMNS: usize = 32;

/// Blocks that sum the gradient of a weight, about: two for each multiprocessor of a large GPU; one where a block's part of it is
/// four times as large.
const NARROW_BLOCKS: usize = 264;
const WIDE_BLOCKS: usize = 132;

/// The one of two that is of this format.
fn of_format<T>(format: Products, [tf32, bf16]: [T; 2]) -> T {
    match format {
        Products::Bf16 => bf16,
        _ => tf32,
    }
}

/// The kernel that writes a tensor, forward or (`towards` 1) backward, and how it cuts it.
pub(super) fn product(shape: &Shape, format: Products, target: Layout, towards: usize) -> Product {
    let stride = if towards == 0 { 1 } else { shape.stride };
    // Of each class, where positions a stride apart are taken together.
    let width = target.width.div_ceil(stride);
    let (kernels, [tile_height, tile_width, columns]) = if shape.is_3x3() {
        unit(target)
    } else if width > 8 {
        (
            [
                [K::Tf32Forward4x16x32, K::Tf32Backward4x16x32],
                [K::Bf16Forward4x16x32, K::Bf16Backward4x16x32],
            ],
            [4, 16, COLUMNS],
        )
    } else {
        (
            [
                [K::Tf32Forward8x8x32, K::Tf32Backward8x8x32],
                [K::Bf16Forward8x8x32, K::Bf16Backward8x8x32],
            ],
            [8, 8, COLUMNS],
        )
    };
    Product {
        kernel: of_format(format, kernels)[towards],
        tiling: Tiling::of(target, [tile_height, tile_width], stride),
        columns,
        tiled: true,
    }
}

/// Of a 3×3 convolution of stride 1: for each format its kernels forward and backward; and rows, columns and channels of a
/// block.
fn unit(target: Layout) -> ([[K; 2]; 2], [usize; 3]) {
    match (target.stored, target.width) {
        (0..=16, _) => (
            [
                [K::Tf32UnitForward8x32x16, K::Tf32UnitBackward8x32x16],
                [K::Bf16UnitForward8x32x16, K::Bf16UnitBackward8x32x16],
            ],
            [8, 32, 16],
        ),
        (_, 0..=8) => (
            [
                [K::Tf32UnitForward8x8x32, K::Tf32UnitBackward8x8x32],
                [K::Bf16UnitForward8x8x32, K::Bf16UnitBackward8x8x32],
            ],
            [8, 8, 32],
        ),
        (_, _) => (
            [
                [K::Tf32UnitForward8x16x32, K::Tf32UnitBackward8x16x32],
                [K::Bf16UnitForward8x16x32, K::Bf16UnitBackward8x16x32],
            ],
            [8, 16, 32],
        ),
    }
}

/// The kernel that finds both gradients in one pass, where there is one: it writes that of the input as the one of
/// [`product`] does. Blocks of a span are those of the input's channels.
fn both_gradients(
    shape: &Shape,
    format: Products,
    (images, room): (usize, usize),
) -> Option<WeightProduct> {
    let (kernels, spans) = match (shape.input.stored, shape.output.stored, shape.input.width) {
        _ if !shape.is_3x3() => return None,
        (0..=16, 0..=16, _) => (
            [K::Tf32Gradients8x32x16x16, K::Bf16Gradients8x32x16x16],
            NARROW_BLOCKS,
        ),
        (17..=32, 0..=32, 9..) => (
            [K::Tf32Gradients8x16x32x32, K::Bf16Gradients8x16x32x32],
            WIDE_BLOCKS,
        ),
        _ => return None,
    };
    let product = product(shape, format, shape.input, 1);
    Some(WeightProduct {
        kernel: of_format(format, kernels),
        blocks: shape.input.stored.div_ceil(product.columns),
        cut: Cut::of_tiles(product.tiling, spans, (images, room)),
        form: Form::Both(product.tiling),
    })
}

/// The kernel for the gradient of the weight, for a batch of so many images in an engine with room for `room`; it finds that of
/// the input, too, if that is wanted and there is one.
pub(super) fn weight_product(
    shape: &Shape,
    format: Products,
    with_input: bool,
    (images, room): (usize, usize),
) -> WeightProduct {
    if let Some(both) = both_gradients(shape, format, (images, room)).filter(|_| with_input) {
        return both;
    }
    let output = shape.output;
    let (kernels, tile, [in_chunk, out_chunk]) = match (shape.is_3x3(), shape.kernel, output.width)
    {
        (true, _, 17..) if output.stored <= 16 && shape.input.stored <= 16 => (
            [K::Tf32UnitGradient4x32x16x16, K::Bf16UnitGradient4x32x16x16],
            [4, 32],
            [16, 16],
        ),
        (true, _, 9..) => (
            [K::Tf32UnitGradient4x16x32x32, K::Bf16UnitGradient4x16x32x32],
            [4, 16],
            [32, 32],
        ),
        (true, _, _) => (
            [K::Tf32UnitGradient8x8x32x32, K::Bf16UnitGradient8x8x32x32],
            [8, 8],
            [32, 32],
        ),
        (false, 1, 9..) => (
            [K::Tf32PointGradient4x16, K::Bf16PointGradient4x16],
            [4, 16],
            [16, 32],
        ),
        (false, 1, _) => (
            [K::Tf32PointGradient8x8, K::Bf16PointGradient8x8],
            [8, 8],
            [16, 32],
        ),
        (false, _, 9..) => (
            [K::Tf32Gradient4x16, K::Bf16Gradient4x16],
            [4, 16],
            [16, 32],
        ),
        (false, _, _) => ([K::Tf32Gradient8x8, K::Bf16Gradient8x8], [8, 8], [16, 32]),
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
        kernel: of_format(format, kernels),
        blocks: of_span,
        cut: Cut::of_tiles(tiling, blocks / of_span, (images, room)),
        form: Form::Tensor(tiling),
    }
}
