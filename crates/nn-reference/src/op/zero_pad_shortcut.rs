//! Parameter-free downsampling shortcut: `y[n, c, i, j] = x[n, c, s·i, s·j]` for `c < C`, and 0 for
//! the channels after; `[N, C, H, W] → [N, channels, ⌈H/s⌉, ⌈W/s⌉]`.
//!
//! Backward: `∂L/∂x[n, c, s·i, s·j] = g[n, c, i, j]`, and 0 at the positions left out.

use nn_graph::op::ZeroPadShortcut;

use crate::Tensor;

/// `y`.
pub(crate) fn forward(shortcut: &ZeroPadShortcut, x: &Tensor) -> Tensor {
    let (images, channels, height, width) = x.dim();
    let s = shortcut.stride;
    let shape = (
        images,
        shortcut.channels,
        height.div_ceil(s),
        width.div_ceil(s),
    );
    Tensor::from_shape_fn(shape, |(n, c, i, j)| {
        if c < channels {
            x[[n, c, s * i, s * j]]
        } else {
            0.0
        }
    })
}

/// `∂L/∂x` from `g = ∂L/∂y`, for an input of this shape.
pub(crate) fn backward(
    shortcut: &ZeroPadShortcut,
    shape: (usize, usize, usize, usize),
    g: &Tensor,
) -> Tensor {
    let s = shortcut.stride;
    Tensor::from_shape_fn(shape, |(n, c, y, x)| {
        if y % s == 0 && x % s == 0 {
            g[[n, c, y / s, x / s]]
        } else {
            0.0
        }
    })
}
