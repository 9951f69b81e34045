//! Maximum over windows of each channel.

use super::image;
use crate::{GraphError, Shape};

/// `y[c, i, j] = max_{u,v} x[c, s·i + u − p, s·j + v − p]` over `u, v < kernel`, where positions outside the image
/// count as `−∞`: the padding is never the maximum.
///
/// The gradient goes to the first maximum of a window, row by row, as in PyTorch; NaN counts as the largest number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Height and width of a window, at least 1.
    pub kernel: usize,
    /// `s`: distance between neighbouring windows, in input positions, at least 1.
    pub stride: usize,
    /// `p`: positions added on each side, fewer than `kernel`, so that every window holds part of the image.
    pub padding: usize,
}

pub(super) fn output_shape(pool: &MaxPool, node: &str, input: &Shape) -> Result<Shape, GraphError> {
    let (channels, height, width) = image(node, "max_pool", input)?;
    match (
        super::windows(height, pool.kernel, pool.stride, pool.padding),
        super::windows(width, pool.kernel, pool.stride, pool.padding),
    ) {
        (Some(height), Some(width)) => Ok(Shape::new([channels, height, width])),
        _ => Err(super::too_small(
            node,
            "max_pool",
            input,
            pool.kernel,
            pool.padding,
        )),
    }
}
