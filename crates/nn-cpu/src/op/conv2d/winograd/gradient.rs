//! The gradient of the weights: a sum over tiles, transformed once at the end.

use super::super::ahead::Ahead;
use super::product::{Matrix, over_tiles};
use super::transform::{self, AREA, Grid, TILE};
use super::{TILES, Tiles, point, transform_source};
use crate::layout::{Framed, Layout};
use crate::simd::{Kernel, LANES, Level, Simd};

/// The gradient of the weights.
#[derive(Clone, Debug)]
pub(in super::super) struct WinogradGradient {
    x: Framed,
    dy: Framed,
    tiles: Tiles,
    padding: usize,
}

impl WinogradGradient {
    /// For an input in the frame that the forward direction reads, and an output of this layout.
    pub(in super::super) fn new(x: Framed, output: Layout, padding: usize) -> Self {
        let tiles = Tiles::of(output);
        Self {
            x,
            dy: Framed::new(output, 0, TILE * tiles.rows, TILE * tiles.columns),
            tiles,
            padding,
        }
    }

    /// The frame of the output's gradient; a larger one serves as well.
    pub(in super::super) fn output(&self) -> Framed {
        self.dy
    }

    pub(in super::super) fn set_output(&mut self, dy: Framed) {
        self.dy = dy;
    }

    /// Images that fill the tiles computed together.
    pub(in super::super) fn images(&self) -> usize {
        TILES.div_ceil(self.tiles.count())
    }

    /// Values of a sum over tiles: `[36][in filled up][out filled up]`.
    pub(in super::super) fn sums(&self) -> usize {
        AREA * self.x.inner.stored * self.dy.inner.stored
    }

    /// Scratch values that [`add`](Self::add) needs.
    pub(in super::super) fn scratch(&self) -> usize {
        AREA * (point(self.x.inner.stored) + point(self.dy.inner.stored))
    }

    /// Adds the tiles of some images, `x` and `dy` within their frames, to the sums.
    pub(in super::super) fn add(
        &self,
        level: Level,
        images: usize,
        (x, dy): (&[f32], &[f32]),
        sums: &mut [f32],
        ahead: Ahead<'_>,
        scratch: &mut [f32],
    ) {
        let (v, d) = scratch[..self.scratch()].split_at_mut(AREA * point(self.x.inner.stored));
        level.run(AddTiles {
            gradient: self,
            images,
            x,
            dy,
            sums,
            ahead,
            v,
            d,
        });
    }

    /// The sums' gradient of the weights `[tap][in][out filled up]`.
    pub(in super::super) fn finish(&self, level: Level, sums: &[f32], taps: &mut [f32]) {
        level.run(Finish {
            gradient: self,
            sums,
            taps,
        });
    }
}

struct AddTiles<'a> {
    gradient: &'a WinogradGradient,
    images: usize,
    x: &'a [f32],
    dy: &'a [f32],
    sums: &'a mut [f32],
    ahead: Ahead<'a>,
    v: &'a mut [f32],
    d: &'a mut [f32],
}

impl Kernel for AddTiles<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let WinogradGradient {
            x,
            dy,
            tiles,
            padding,
        } = *self.gradient;
        let (rows, columns) = (x.inner.stored, dy.inner.stored);
        let all = self.images * tiles.count();
        for first in (0..all).step_by(TILES) {
            let count = TILES.min(all - first);
            let places = (first..first + count).map(|tile| tiles.place(tile));
            transform_source(simd, (self.x, x), padding, places.clone(), self.v);
            transform_gradient(simd, (self.dy, dy), places, self.d);
            let parts = AREA * all.div_ceil(TILES);
            for index in 0..AREA {
                self.ahead.fetch(simd, first / TILES * AREA + index, parts);
                let v = Matrix {
                    values: &self.v[index * point(rows)..],
                    row: rows,
                };
                let d = Matrix {
                    values: &self.d[index * point(columns)..],
                    row: columns,
                };
                let length = rows * columns;
                let sums = &mut self.sums[index * length..][..length];
                over_tiles(simd, v, d, sums, [rows, count]);
            }
        }
    }
}

/// `d ← A dy Aᵀ` of some tiles: `[point][tile][stored]`.
#[inline(always)]
fn transform_gradient<S: Simd>(
    simd: S,
    (images, dy): (&[f32], Framed),
    tiles: impl Iterator<Item = (usize, usize, usize)>,
    d: &mut [f32],
) {
    let stored = dy.inner.stored;
    let (row, stride) = (dy.row(), point(stored));
    for (t, (image, y, x)) in tiles.enumerate() {
        let from = image * dy.image() + dy.offset(y as isize, x as isize);
        let from = &images[from..][..(TILE - 1) * (row + stored) + stored];
        let to = &mut d[t * stored..];
        for k in (0..stored).step_by(LANES) {
            let positions = Grid {
                row,
                column: stored,
            };
            let points = Grid::points(stride);
            transform::gradient_tile(simd, (&from[k..], positions), (&mut to[k..], points));
        }
    }
}

struct Finish<'a> {
    gradient: &'a WinogradGradient,
    sums: &'a [f32],
    taps: &'a mut [f32],
}

impl Kernel for Finish<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let WinogradGradient { x, dy, .. } = *self.gradient;
        let columns = dy.inner.stored;
        let (sums, taps) = (x.inner.stored * columns, x.inner.channels * columns);
        let to_taps = Grid {
            row: 3 * taps,
            column: taps,
        };
        for at in (0..taps).step_by(LANES) {
            let (from, to) = (&self.sums[at..], &mut self.taps[at..]);
            transform::weight_gradient_tile(simd, (from, Grid::points(sums)), (to, to_taps));
        }
    }
}
