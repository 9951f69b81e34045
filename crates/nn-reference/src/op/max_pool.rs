//! Maximum over windows: `y[n, c, i, j] = max_{u,v} x[n, c, s·i + u − p, s·j + v − p]`, over the positions inside the
//! image; `[N, C, H, W] → [N, C, H', W']` with `H' = ⌊(H + 2p − k)/s⌋ + 1`.
//!
//! Backward: `∂L/∂x` at the first maximum of window `(i, j)`, row by row, receives `g[n, c, i, j]`. NaN counts as
//! larger than any number.

use std::ops::Range;

use nn_graph::op::MaxPool;

use crate::Tensor;

/// `y`.
pub(crate) fn forward(pool: &MaxPool, x: &Tensor) -> Tensor {
    Tensor::from_shape_fn(result_shape(pool, x), |(n, c, i, j)| {
        x[first_maximum(pool, x, [n, c, i, j])]
    })
}

/// `∂L/∂x` from `g = ∂L/∂y`.
pub(crate) fn backward(pool: &MaxPool, x: &Tensor, g: &Tensor) -> Tensor {
    let mut input = Tensor::zeros(x.dim());
    for ((n, c, i, j), g) in g.indexed_iter() {
        input[first_maximum(pool, x, [n, c, i, j])] += g;
    }
    input
}

/// The smallest difference between the largest value of a window and the next smaller one; infinite if no window
/// holds two values. Values that are equal are one: which of them is first does not depend on rounding.
pub(crate) fn smallest_lead(pool: &MaxPool, x: &Tensor) -> f64 {
    let mut smallest = f64::INFINITY;
    for ((n, c, i, j), &largest) in forward(pool, x).indexed_iter() {
        for row in window(pool, i, x.dim().2) {
            for column in window(pool, j, x.dim().3) {
                let lead = largest - x[[n, c, row, column]];
                if lead > 0.0 {
                    smallest = smallest.min(lead);
                }
            }
        }
    }
    smallest
}

/// Where the first maximum of the window of result `[n, c, i, j]` is.
fn first_maximum(pool: &MaxPool, x: &Tensor, [n, c, i, j]: [usize; 4]) -> [usize; 4] {
    let (rows, columns) = (window(pool, i, x.dim().2), window(pool, j, x.dim().3));
    let mut largest = [n, c, rows.start, columns.start];
    for row in rows {
        for column in columns.clone() {
            let here = [n, c, row, column];
            if x[here] > x[largest] || x[here].is_nan() {
                largest = here;
            }
        }
    }
    largest
}

/// Positions of window `i` that lie within an axis of this length: at least one, since the padding is smaller than
/// the window.
fn window(pool: &MaxPool, i: usize, length: usize) -> Range<usize> {
    let first = pool.stride * i;
    first.saturating_sub(pool.padding)..(first + pool.kernel - pool.padding).min(length)
}

fn result_shape(pool: &MaxPool, x: &Tensor) -> (usize, usize, usize, usize) {
    let (images, channels, height, width) = x.dim();
    let extent = |size: usize| (size + 2 * pool.padding - pool.kernel) / pool.stride + 1;
    (images, channels, extent(height), extent(width))
}
