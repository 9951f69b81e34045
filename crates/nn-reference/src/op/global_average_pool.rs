//! Mean over positions: `y[n, c] = (1/HW) Σ_{i,j} x[n, c, i, j]`, `[N, C, H, W] → [N, C, 1, 1]`.
//!
//! Backward: `∂L/∂x[n, c, i, j] = g[n, c] / HW`.

use ndarray::Axis;

use crate::Tensor;

/// `y`.
pub(crate) fn forward(x: &Tensor) -> Tensor {
    let (images, channels, height, width) = x.dim();
    Tensor::from_shape_fn((images, channels, 1, 1), |(n, c, ..)| {
        let plane = x.index_axis(Axis(0), n);
        plane.index_axis(Axis(0), c).sum() / (height * width) as f64
    })
}

/// `∂L/∂x` from `g = ∂L/∂y`, for an input of this shape.
pub(crate) fn backward(shape: (usize, usize, usize, usize), g: &Tensor) -> Tensor {
    let positions = (shape.2 * shape.3) as f64;
    Tensor::from_shape_fn(shape, |(n, c, ..)| g[[n, c, 0, 0]] / positions)
}
