//! Rectified linear unit: `y = max(x, 0)`, any shape.
//!
//! Backward: `∂L/∂x = g` where `x > 0`, else 0 (also at `x = 0`).

use ndarray::Zip;

use crate::Tensor;

/// `y`. A value that is not a number stays one, so that a diverged run shows.
pub(crate) fn forward(x: &Tensor) -> Tensor {
    Zip::from(x).par_map_collect(|&x| if x <= 0.0 { 0.0 } else { x })
}

/// `∂L/∂x` from `g = ∂L/∂y`.
pub(crate) fn backward(x: &Tensor, g: &Tensor) -> Tensor {
    Zip::from(x)
        .and(g)
        .par_map_collect(|&x, &g| if x <= 0.0 { 0.0 } else { g })
}
