//! `y[c, i, j] = max_{u,v} x[c, s·i + u − p, s·j + v − p]` over the positions inside the image.
//!
//! Windows are cut off at the edges of the image, so that nothing stands for `−∞`. Backward looks each maximum up
//! again: the first value of its window, row by row, that is not smaller.

use std::ops::Range;

use nn_engine::plan::{GradientFlow, Group};
use nn_graph::op::MaxPool;

use super::{Compiling, Step, Tensor};
use crate::layout::Layout;
use crate::simd::{Kernel, LANES, Simd};
use crate::workspace::Pass;

pub(super) struct MaxPoolStep {
    input: Tensor,
    output: Tensor,
    windows: Windows,
}

/// The windows of one image.
#[derive(Clone, Copy)]
struct Windows {
    from: Layout,
    to: Layout,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl MaxPoolStep {
    pub(super) fn new(context: &Compiling<'_>, group: &Group, pool: &MaxPool) -> Self {
        let (input, output) = (context.input(group, 0), context.output(group));
        Self {
            windows: Windows {
                from: input.layout,
                to: output.layout,
                kernel: pool.kernel,
                stride: pool.stride,
                padding: pool.padding,
            },
            input,
            output,
        }
    }
}

impl Step for MaxPoolStep {
    fn forward(&mut self, pass: &mut Pass<'_>) {
        let Windows { from, to, .. } = self.windows;
        let level = pass.level;
        pass.map_activation(&self.output, |workspace, first, output| {
            let input = &workspace.activations[self.input.node];
            for (index, y) in output.chunks_exact_mut(to.image()).enumerate() {
                level.run(Maxima {
                    windows: self.windows,
                    x: &input[(first + index) * from.image()..][..from.image()],
                    y,
                });
            }
        });
    }

    fn backward(&mut self, pass: &mut Pass<'_>) {
        let Some(own) = self.output.slot else { return };
        let Windows { from, to, .. } = self.windows;
        let level = pass.level;
        pass.map_gradient(&self.input, |workspace, first, target| {
            if self.input.flow == GradientFlow::Write {
                target.fill(0.0);
            }
            let input = &workspace.activations[self.input.node];
            let output = &workspace.activations[self.output.node];
            let gradient = &workspace.gradients[own];
            for (index, dx) in target.chunks_exact_mut(from.image()).enumerate() {
                let (x, y) = ((first + index) * from.image(), (first + index) * to.image());
                level.run(Gradients {
                    windows: self.windows,
                    x: &input[x..][..from.image()],
                    y: &output[y..][..to.image()],
                    dy: &gradient[y..][..to.image()],
                    dx,
                });
            }
        });
    }
}

impl Windows {
    /// Calls `visit(block of the result, blocks of its window in order)` for every result and block of channels.
    #[inline(always)]
    fn for_each(&self, mut visit: impl FnMut(usize, Positions)) {
        let Self { from, to, .. } = self;
        for i in 0..to.height {
            for j in 0..to.width {
                let (rows, columns) = (self.along(i, from.height), self.along(j, from.width));
                let result = to.offset(i, j) / LANES;
                for block in 0..to.blocks() {
                    let positions = Positions {
                        first: from.offset(rows.start, columns.start) / LANES + block,
                        rows: rows.len(),
                        columns: columns.len(),
                        row: from.row() / LANES,
                        column: from.blocks(),
                    };
                    visit(result + block, positions);
                }
            }
        }
    }

    /// Positions of window `i` within an axis of this length: at least one, since the padding is smaller than the
    /// window.
    fn along(&self, i: usize, length: usize) -> Range<usize> {
        let first = self.stride * i;
        first.saturating_sub(self.padding)..(first + self.kernel - self.padding).min(length)
    }
}

/// The positions of a window, as blocks of the image.
struct Positions {
    first: usize,
    rows: usize,
    columns: usize,
    row: usize,
    column: usize,
}

impl Positions {
    #[inline(always)]
    fn for_each(&self, mut visit: impl FnMut(usize)) {
        for row in 0..self.rows {
            for column in 0..self.columns {
                visit(self.first + row * self.row + column * self.column);
            }
        }
    }
}

struct Maxima<'a> {
    windows: Windows,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Maxima<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let x = self.x.as_chunks::<LANES>().0;
        let y = self.y.as_chunks_mut::<LANES>().0;
        self.windows.for_each(|result, positions| {
            let mut largest = x[positions.first];
            positions.for_each(|at| {
                for (largest, &x) in largest.iter_mut().zip(&x[at]) {
                    // NaN stays, so that a diverged run shows.
                    *largest = if x > *largest || x.is_nan() {
                        x
                    } else {
                        *largest
                    };
                }
            });
            y[result] = largest;
        });
    }
}

struct Gradients<'a> {
    windows: Windows,
    x: &'a [f32],
    y: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Gradients<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let x = self.x.as_chunks::<LANES>().0;
        let y = self.y.as_chunks::<LANES>().0;
        let dy = self.dy.as_chunks::<LANES>().0;
        let dx = self.dx.as_chunks_mut::<LANES>().0;
        self.windows.for_each(|result, positions| {
            let largest = &y[result];
            // What no position has taken yet.
            let mut left = dy[result];
            positions.for_each(|at| {
                let (x, dx) = (&x[at], &mut dx[at]);
                for lane in 0..LANES {
                    let smaller = x[lane] < largest[lane];
                    dx[lane] += if smaller { 0.0 } else { left[lane] };
                    left[lane] = if smaller { left[lane] } else { 0.0 };
                }
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use nn_graph::Shape;

    use super::*;
    use crate::simd::Level;

    /// As `nn-reference`'s test of the same values: trained networks hardly show ties.
    #[test]
    fn the_first_of_equal_maxima_takes_the_gradient_and_padding_is_never_one() {
        let (from, to) = (
            Layout::new(&Shape::new([1, 2, 2])),
            Layout::new(&Shape::new([1, 3, 3])),
        );
        let windows = Windows {
            from,
            to,
            kernel: 2,
            stride: 1,
            padding: 1,
        };
        let image = |layout: Layout, values: &[f32]| {
            let mut image = vec![0.0; layout.image()];
            for (index, &value) in values.iter().enumerate() {
                let (row, column) = (index / layout.width, index % layout.width);
                image[layout.offset(row, column)] = value;
            }
            image
        };
        let x = image(from, &[-3.0, -1.0, -1.0, -1.0]);
        let dy = image(to, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
        for level in Level::available() {
            let (mut y, mut dx) = (image(to, &[]), image(from, &[]));
            level.run(Maxima {
                windows,
                x: &x,
                y: &mut y,
            });
            let wanted = [-3.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0];
            assert_eq!(y, image(to, &wanted), "{level}");
            level.run(Gradients {
                windows,
                x: &x,
                y: &y,
                dy: &dy,
                dx: &mut dx,
            });
            let wanted = [1.0, 54.0, 200.0, 256.0];
            assert_eq!(dx, image(from, &wanted), "{level}");
        }
    }
}
