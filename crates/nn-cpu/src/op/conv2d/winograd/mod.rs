//! 3×3 convolutions of stride 1 with a quarter of the multiplications: Winograd's F(4×4, 3×3).
//!
//! A tile of 4×4 results takes 36 products a pair of channels instead of 144: `y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A`
//! ([`transform`]), so that over the channels there remain 36 matrix products ([`product`]). The gradient of the source
//! is the same with other weights; that of the weights is the transpose,
//! `dg = Gᵀ[Σ_tiles (Bᵀ d B) ⊙ (A dy Aᵀ)]G`.
//!
//! Sixteen tiles are transformed and multiplied at a time, so that what lies between stays in the nearest caches. Tiles
//! that stick out of an image read zeros and store what lies inside.

mod product;
#[cfg(test)]
mod tests;
mod transform;

use self::product::{Matrix, over_channels, over_tiles};
use self::transform::{AREA, Grid, POINTS, TILE};
use super::ahead::Ahead;
use super::epilogue::Epilogue;
use super::weights::WeightShape;
use crate::layout::{Framed, Layout};
use crate::simd::{Kernel, LANES, Level, Simd};

/// Tiles transformed together.
const TILES: usize = 16;

/// Values between the matrices of two points, for `columns` values of each tile: a line more than they need, since a
/// stride of a power of two would put all points into the same few lines of the cache.
fn point(columns: usize) -> usize {
    TILES * columns + LANES
}

/// Whether fewer multiplications are worth the transforms.
pub(super) fn pays(shape: &WeightShape, target: Layout) -> bool {
    let fits = shape.kernel == 3 && shape.stride == 1 && shape.padding <= 2;
    let tiles = target.height.div_ceil(TILE) * target.width.div_ceil(TILE);
    // Tiles that stick out are computed whole.
    fits && shape.fan.min(shape.out) >= LANES / 2 && AREA * tiles < 6 * target.positions()
}

/// The tiles of an image's results.
#[derive(Clone, Copy, Debug)]
struct Tiles {
    rows: usize,
    columns: usize,
}

impl Tiles {
    fn of(results: Layout) -> Self {
        Self {
            rows: results.height.div_ceil(TILE),
            columns: results.width.div_ceil(TILE),
        }
    }

    fn count(self) -> usize {
        self.rows * self.columns
    }

    /// Image, row and column of a tile's first result, for tiles of many images counted through.
    #[inline(always)]
    fn place(self, tile: usize) -> (usize, usize, usize) {
        let (image, tile) = (tile / self.count(), tile % self.count());
        (
            image,
            TILE * (tile / self.columns),
            TILE * (tile % self.columns),
        )
    }
}

/// A convolution in one direction.
#[derive(Clone, Debug)]
pub(super) struct Winograd {
    source: Framed,
    target: Layout,
    tiles: Tiles,
    padding: usize,
}

impl Winograd {
    /// Target `y` reads the source from `y − padding` to `y − padding + 2`.
    pub(super) fn new(source: Layout, target: Layout, padding: usize) -> Self {
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
    pub(super) fn source(&self) -> Framed {
        self.source
    }

    pub(super) fn set_source(&mut self, source: Framed) {
        self.source = source;
    }

    /// Values of the transformed weights: `[36][source channels][target channels filled up]`.
    pub(super) fn weights(&self) -> usize {
        AREA * self.source.inner.channels * self.target.stored
    }

    /// Scratch values that [`run`](Self::run) needs.
    pub(super) fn scratch(&self) -> usize {
        AREA * (point(self.source.inner.stored) + point(self.target.stored))
    }

    /// Images that fill the tiles computed together.
    pub(super) fn images(&self) -> usize {
        TILES.div_ceil(self.tiles.count())
    }

    /// Transforms weights `[tap][source channel][target channel filled up]`.
    pub(super) fn transform_weights(&self, level: Level, taps: &[f32], weights: &mut [f32]) {
        level.run(WeightTransform { taps, weights });
    }

    /// Computes whole images.
    pub(super) fn run(
        &self,
        level: Level,
        weights: &[f32],
        source: &[f32],
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

/// `v ← Bᵀ d B` of some tiles, from images `d` within frames: `[point][tile][stored]`.
#[inline(always)]
fn transform_source<S: Simd>(
    simd: S,
    (images, source): (&[f32], Framed),
    padding: usize,
    tiles: impl Iterator<Item = (usize, usize, usize)>,
    v: &mut [f32],
) {
    let stored = source.inner.stored;
    let (row, stride) = (source.row(), point(stored));
    for (t, (image, y, x)) in tiles.enumerate() {
        let (y, x) = (y as isize - padding as isize, x as isize - padding as isize);
        let from = image * source.image() + source.offset(y, x);
        let from = &images[from..][..(POINTS - 1) * (row + stored) + stored];
        let to = &mut v[t * stored..];
        for c in (0..stored).step_by(LANES) {
            let positions = Grid {
                row,
                column: stored,
            };
            let points = Grid::points(stride);
            transform::source_tile(simd, (&from[c..], positions), (&mut to[c..], points));
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
                } else if columns == TILE {
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

/// The gradient of the weights.
#[derive(Clone, Debug)]
pub(super) struct WinogradGradient {
    x: Framed,
    dy: Framed,
    tiles: Tiles,
    padding: usize,
}

impl WinogradGradient {
    /// For an input in the frame that the forward direction reads, and an output of this layout.
    pub(super) fn new(x: Framed, output: Layout, padding: usize) -> Self {
        let tiles = Tiles::of(output);
        Self {
            x,
            dy: Framed::new(output, 0, TILE * tiles.rows, TILE * tiles.columns),
            tiles,
            padding,
        }
    }

    /// The frame of the output's gradient; a larger one serves as well.
    pub(super) fn output(&self) -> Framed {
        self.dy
    }

    pub(super) fn set_output(&mut self, dy: Framed) {
        self.dy = dy;
    }

    /// Images that fill the tiles computed together.
    pub(super) fn images(&self) -> usize {
        TILES.div_ceil(self.tiles.count())
    }

    /// Values of a sum over tiles: `[36][in filled up][out filled up]`.
    pub(super) fn sums(&self) -> usize {
        AREA * self.x.inner.stored * self.dy.inner.stored
    }

    /// Scratch values that [`add`](Self::add) needs.
    pub(super) fn scratch(&self) -> usize {
        AREA * (point(self.x.inner.stored) + point(self.dy.inner.stored))
    }

    /// Adds the tiles of some images, `x` and `dy` within their frames, to the sums.
    pub(super) fn add(
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
    pub(super) fn finish(&self, level: Level, sums: &[f32], taps: &mut [f32]) {
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
