//! 3×3 convolutions of stride 1 with a quarter of the multiplications: Winograd's F(4×4, 3×3).
//!
//! A tile of 4×4 results takes 36 products a pair of channels instead of 144: `y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A`
//! ([`transform`]), so that over the channels there remain 36 matrix products ([`product`]). The gradient of the source
//! is the same with other weights; that of the weights is the transpose,
//! `dg = Gᵀ[Σ_tiles (Bᵀ d B) ⊙ (A dy Aᵀ)]G`.
//!
//! Sixteen tiles are transformed and multiplied at a time, so that what lies between stays in the nearest caches. Tiles
//! that stick out of an image read zeros and store what lies inside.

mod convolution;
mod gradient;
mod product;
#[cfg(test)]
mod tests;
mod transform;

use self::transform::{AREA, Grid, POINTS, TILE};
use super::weights::WeightShape;
use crate::layout::{Framed, Layout};
use crate::simd::{LANES, Simd};

pub(super) use convolution::Winograd;
pub(super) use gradient::WinogradGradient;

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
    // A position takes 9 products a pair of channels directly, and 36/16 in a tile, more where tiles stick out of the image.
    // The transforms are the same work for any number of channels: they are paid by what is saved, a third at least, if
    // there are enough channels. Both numbers are rough.
    let saves = AREA * tiles < 6 * target.positions();
    let enough = shape.fan.min(shape.out) >= LANES / 2;
    fits && saves && enough
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
