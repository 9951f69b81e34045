//! From source to target: forward, or the gradient of the input from that of the output.

use super::super::ahead::Ahead;
use super::super::epilogue::Epilogue;
use super::product::{Matrix, over_channels};
use super::transform::{self, AREA, Grid, POINTS, TILE};
use super::{TILES, Tiles, point, transform_source};
use crate::layout::{Framed, Layout};
use crate::simd::{Kernel, LANES, Level, Simd};

/// A convolution in one direction.
#[derive(Clone, Debug)]
pub(in super::super) struct Winograd {
    source: Framed,
    target: Layout,
    tiles: Tiles,
    padding: usize,
}

impl Winograd {
    /// Target `y` reads the source from `y − padding` to `y − padding + 2`.
    pub(in super::super) fn new(source: Layout, target: Layout, padding: usize) -> Self {
        let tiles = Tiles::of(target);
        let rows = |tiles: usize| TILE * tiles + POINTS - TILE;
        Self {
            source: Framed::new(source, padding, rows(tiles.rows), rows(tiles.columns)),
            target,
            tiles,
            padding,
        }
    }

    /// The frame that its source must have, or a larger one.
    pub(in super::super) fn source(&self) -> Framed {
        self.source
    }

    pub(in super::super) fn set_source(&mut self, source: Framed) {
        self.source = source;
    }

    /// Values of the transformed weights: `[36][source channels][target channels filled up]`.
    pub(in super::super) fn weights(&self) -> usize {
        AREA * self.source.inner.channels * self.target.stored
    }

    /// Scratch values that [`run`](Self::run) needs.
    pub(in super::super) fn scratch(&self) -> usize {
        AREA * (point(self.source.inner.stored) + point(self.target.stored))
    }

    /// Images that fill the tiles computed together.
    pub(in super::super) fn images(&self) -> usize {
        TILES.div_ceil(self.tiles.count())
    }

    /// Transforms weights `[tap][source channel][target channel filled up]`.
    pub(in super::super) fn transform_weights(
        &self,
        level: Level,
        taps: &[f32],
        weights: &mut [f32],
    ) {
        level.run(WeightTransform { taps, weights });
    }

    /// Computes whole images.
    pub(in super::super) fn run(
        &self,
        level: Level,
        (weights, source): (&[f32], &[f32]),
        target: &mut [f32],
        epilogue: Epilogue<'_>,
        ahead: Ahead<'_>,
        scratch: &mut [f32],
    ) {
        let (v, m) = scratch[..self.scratch()].split_at_mut(AREA * point(self.source.inner.stored));
        level.run(Forward {
            winograd: self,
            weights,
            source,
            target,
            epilogue,
            ahead,
            v,
            m,
        });
    }
}

struct WeightTransform<'a> {
    taps: &'a [f32],
    weights: &'a mut [f32],
}

impl Kernel for WeightTransform<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let length = self.weights.len() / AREA;
        let taps = Grid {
            row: 3 * length,
            column: length,
        };
        for at in (0..length).step_by(LANES) {
            let (from, to) = (&self.taps[at..], &mut self.weights[at..]);
            transform::weight_tile(simd, (from, taps), (to, Grid::points(length)));
        }
    }
}

struct Forward<'a> {
    winograd: &'a Winograd,
    weights: &'a [f32],
    source: &'a [f32],
    target: &'a mut [f32],
    epilogue: Epilogue<'a>,
    ahead: Ahead<'a>,
    v: &'a mut [f32],
    m: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Winograd {
            source,
            target,
            tiles,
            padding,
        } = *self.winograd;
        let (terms, stored, columns) = (source.inner.channels, source.inner.stored, target.stored);
        let all = self.target.len() / target.image() * tiles.count();
        for first in (0..all).step_by(TILES) {
            let count = TILES.min(all - first);
            let places = (first..first + count).map(|tile| tiles.place(tile));
            transform_source(simd, (self.source, source), padding, places.clone(), self.v);
            let parts = AREA * all.div_ceil(TILES);
            for index in 0..AREA {
                // A few lines at a time: memory answers only so many at once.
                self.ahead.fetch(simd, first / TILES * AREA + index, parts);
                if let Some(place) = places.clone().nth(index) {
                    self.prefetch(simd, place);
                }
                let v = Matrix {
                    values: &self.v[index * point(stored)..],
                    row: stored,
                };
                let length = terms * columns;
                let u = Matrix {
                    values: &self.weights[index * length..][..length],
                    row: columns,
                };
                let m = &mut self.m[index * point(columns)..];
                over_channels(simd, v, u, m, [count, terms]);
            }
            for t in 0..count {
                self.store(simd, first + t, t);
            }
        }
    }
}

impl Forward<'_> {
    /// Asks for the memory of a tile's results, which is seldom in a cache yet.
    #[inline(always)]
    fn prefetch<S: Simd>(&self, simd: S, (image, y, x): (usize, usize, usize)) {
        let Winograd { target, .. } = *self.winograd;
        let at = image * target.image() + target.offset(y, x);
        for i in 0..TILE {
            for line in (0..TILE * target.stored).step_by(LANES) {
                simd.prefetch(self.target, at + i * target.row() + line);
                if let Some(addend) = self.epilogue.addend {
                    simd.prefetch(addend, at + i * target.row() + line);
                }
            }
        }
    }

    /// Transforms one tile's sums to results, applies the epilogue, and stores those that lie in the image.
    #[inline(always)]
    fn store<S: Simd>(&mut self, simd: S, tile: usize, t: usize) {
        let Winograd { target, tiles, .. } = *self.winograd;
        let (image, y, x) = tiles.place(tile);
        let at = image * target.image() + target.offset(y, x);
        let rows = TILE.min(target.height - y);
        let columns = TILE.min(target.width - x);
        self.epilogue.check(self.target, target.stored);
        assert!(at + (rows - 1) * target.row() + columns * target.stored <= self.target.len());
        let points = Grid::points(point(target.stored));
        let m = &self.m[t * target.stored..];
        for k in (0..target.stored).step_by(LANES) {
            transform::result_tile(simd, (&m[k..], points), |i, values| {
                let at = at + i * target.row() + k;
                if i >= rows {
                    return;
                }
                if columns == TILE {
                    // SAFETY: within the target, by the assertion and `check`.
                    unsafe {
                        self.epilogue
                            .store(simd, values, self.target, (at, target.stored), k)
                    };
                } else {
                    for (j, value) in values.iter().enumerate().take(columns) {
                        let at = at + j * target.stored;
                        // SAFETY: as above.
                        unsafe { self.epilogue.store(simd, [*value], self.target, (at, 0), k) };
                    }
                }
            });
        }
    }
}
