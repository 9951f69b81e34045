//! The three linear maps of F(4×4, 3×3) and their transposes, on sixteen channels at a time.
//!
//! With the interpolation points 0, ±1, ±2, ∞ a row of four results is `y = Aᵀ[(G g) ⊙ (Bᵀ d)]`:
//!
//! ```text
//!      ⎡4  0 −5  0 1 0⎤        ⎡ 1/4    0    0 ⎤
//!      ⎢0 −4 −4  1 1 0⎥        ⎢−1/6 −1/6 −1/6 ⎥        ⎡1 1  1 1  1 0⎤
//! Bᵀ = ⎢0  4 −4 −1 1 0⎥    G = ⎢−1/6  1/6 −1/6 ⎥   Aᵀ = ⎢0 1 −1 2 −2 0⎥
//!      ⎢0 −2 −1  2 1 0⎥        ⎢1/24 1/12  1/6 ⎥        ⎢0 1  1 4  4 0⎥
//!      ⎢0  2 −1 −2 1 0⎥        ⎢1/24 −1/12 1/6 ⎥        ⎣0 1 −1 8 −8 1⎦
//!      ⎣0  4  0 −5 0 1⎦        ⎣  0     0   1  ⎦
//! ```
//!
//! A tile of two dimensions takes each map along its columns, then along its rows.

use crate::simd::{LANES, Simd};

/// Points of interpolation along one axis: a tile has their square.
pub(super) const POINTS: usize = 6;
/// Positions of a tile of the transformed kind.
pub(super) const AREA: usize = POINTS * POINTS;
/// Results of a tile along one axis.
pub(super) const TILE: usize = 4;

/// A linear map along one axis; a type each, since a function passed as a value is not compiled into its caller.
trait Map<const I: usize, const O: usize> {
    fn apply<S: Simd>(s: S, values: [S::Vector; I]) -> [S::Vector; O];
}

/// `Bᵀ d`: from six values of the source.
struct Source;

impl Map<6, 6> for Source {
    #[inline(always)]
    fn apply<S: Simd>(s: S, d: [S::Vector; 6]) -> [S::Vector; 6] {
        let (two, four, five) = (s.splat(2.0), s.splat(4.0), s.splat(5.0));
        let (even, odd) = (
            s.neg_mul_add(four, d[2], d[4]),
            s.neg_mul_add(four, d[1], d[3]),
        );
        let (even2, odd2) = (s.sub(d[4], d[2]), s.sub(d[3], d[1]));
        [
            s.mul_add(four, d[0], s.neg_mul_add(five, d[2], d[4])),
            s.add(even, odd),
            s.sub(even, odd),
            s.mul_add(two, odd2, even2),
            s.neg_mul_add(two, odd2, even2),
            s.mul_add(four, d[1], s.neg_mul_add(five, d[3], d[5])),
        ]
    }
}

/// `Aᵀ m`: to four results.
struct Sums;

impl Map<6, 4> for Sums {
    #[inline(always)]
    fn apply<S: Simd>(s: S, m: [S::Vector; 6]) -> [S::Vector; 4] {
        let (two, four, eight) = (s.splat(2.0), s.splat(4.0), s.splat(8.0));
        let (sum, difference) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
        let (sum2, difference2) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
        [
            s.add(s.add(m[0], sum), sum2),
            s.mul_add(two, difference2, difference),
            s.mul_add(four, sum2, sum),
            s.add(s.mul_add(eight, difference2, difference), m[5]),
        ]
    }
}

/// `A y`: the transpose of [`Sums`].
struct Gradient;

impl Map<4, 6> for Gradient {
    #[inline(always)]
    fn apply<S: Simd>(s: S, y: [S::Vector; 4]) -> [S::Vector; 6] {
        let (two, four) = (s.splat(2.0), s.splat(4.0));
        let (even, odd) = (s.add(y[0], y[2]), s.add(y[1], y[3]));
        let (even2, odd2) = (s.mul_add(four, y[2], y[0]), s.mul_add(four, y[3], y[1]));
        [
            y[0],
            s.add(even, odd),
            s.sub(even, odd),
            s.mul_add(two, odd2, even2),
            s.neg_mul_add(two, odd2, even2),
            y[3],
        ]
    }
}

/// `G g`: from three weights.
struct Weights;

impl Map<3, 6> for Weights {
    #[inline(always)]
    fn apply<S: Simd>(s: S, g: [S::Vector; 3]) -> [S::Vector; 6] {
        let (two, four) = (s.splat(2.0), s.splat(4.0));
        // −6 times the second and third, 24 times the fourth and fifth.
        let (ends, minus) = (s.add(g[0], g[2]), s.splat(-1.0 / 6.0));
        let (ends2, part) = (s.mul_add(four, g[2], g[0]), s.splat(1.0 / 24.0));
        [
            s.mul(s.splat(0.25), g[0]),
            s.mul(minus, s.add(ends, g[1])),
            s.mul(minus, s.sub(ends, g[1])),
            s.mul(part, s.mul_add(two, g[1], ends2)),
            s.mul(part, s.neg_mul_add(two, g[1], ends2)),
            g[2],
        ]
    }
}

/// `Gᵀ u`: the transpose of [`Weights`].
struct WeightGradient;

impl Map<6, 3> for WeightGradient {
    #[inline(always)]
    fn apply<S: Simd>(s: S, u: [S::Vector; 6]) -> [S::Vector; 3] {
        let (sum, difference) = (s.add(u[1], u[2]), s.sub(u[1], u[2]));
        let (sum2, difference2) = (s.add(u[3], u[4]), s.sub(u[3], u[4]));
        let sixth = s.splat(1.0 / 6.0);
        let quarter = s.splat(0.25);
        // ¼ u₀ − ⅙ sum + sum2 / 24, and so on, with one rounded factor.
        let first = s.sub(s.mul(quarter, sum2), sum);
        let middle = s.sub(s.mul(s.splat(0.5), difference2), difference);
        let last = s.sub(sum2, sum);
        [
            s.mul_add(quarter, u[0], s.mul(sixth, first)),
            s.mul(sixth, middle),
            s.mul_add(sixth, last, u[5]),
        ]
    }
}

/// Where the values of a tile lie in a list, sixteen channels each: `(i, j)` at `i · row + j · column`.
#[derive(Clone, Copy)]
pub(super) struct Grid {
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Grid {
    /// The points of a tile, each this many values after the one before.
    pub(super) fn points(stride: usize) -> Self {
        Self {
            row: POINTS * stride,
            column: stride,
        }
    }

    /// Values that `N × N` positions reach over.
    fn reach(self, positions: usize) -> usize {
        (positions - 1) * (self.row + self.column) + LANES
    }
}

/// Applies a map along columns, then along rows: from `I × I` values to `O × O`, given row by row.
#[inline(always)]
fn square<S: Simd, M: Map<I, O>, const I: usize, const O: usize>(
    simd: S,
    (from, grid): (&[f32], Grid),
    mut store: impl FnMut(usize, [S::Vector; O]),
) {
    assert!(grid.reach(I) <= from.len());
    let from = from.as_ptr();
    let mut half = [[simd.splat(0.0); I]; O];
    for column in 0..I {
        let mut values = [simd.splat(0.0); I];
        for (row, value) in values.iter_mut().enumerate() {
            let at = row * grid.row + column * grid.column;
            // SAFETY: within `from`, by the assertion.
            *value = simd.load(unsafe { &*from.add(at).cast::<[f32; LANES]>() });
        }
        let mapped = M::apply(simd, values);
        for (to, value) in half.iter_mut().zip(&mapped) {
            to[column] = *value;
        }
    }
    // By reference: an array that is moved may be copied through memory.
    for (row, values) in half.iter().enumerate() {
        store(row, M::apply(simd, *values));
    }
}

/// [`square`], to `O × O` values of a list.
#[inline(always)]
fn square_to<S: Simd, M: Map<I, O>, const I: usize, const O: usize>(
    simd: S,
    from: (&[f32], Grid),
    (to, grid): (&mut [f32], Grid),
) {
    assert!(grid.reach(O) <= to.len());
    let to = to.as_mut_ptr();
    square::<S, M, I, O>(simd, from, |row, values| {
        for (column, value) in values.iter().enumerate() {
            let at = row * grid.row + column * grid.column;
            // SAFETY: within `to`, by the assertion.
            simd.store(unsafe { &mut *to.add(at).cast::<[f32; LANES]>() }, *value);
        }
    });
}

/// `Bᵀ d B`, from 6×6 positions of the source.
#[inline(always)]
pub(super) fn source_tile<S: Simd>(simd: S, from: (&[f32], Grid), to: (&mut [f32], Grid)) {
    square_to::<S, Source, 6, 6>(simd, from, to);
}

/// `Aᵀ m A`: calls `store(row, results)` for each row of 4×4 results.
#[inline(always)]
pub(super) fn result_tile<S: Simd>(
    simd: S,
    from: (&[f32], Grid),
    store: impl FnMut(usize, [S::Vector; 4]),
) {
    square::<S, Sums, 6, 4>(simd, from, store);
}

/// `A y Aᵀ`, from the gradients of 4×4 results.
#[inline(always)]
pub(super) fn gradient_tile<S: Simd>(simd: S, from: (&[f32], Grid), to: (&mut [f32], Grid)) {
    square_to::<S, Gradient, 4, 6>(simd, from, to);
}

/// `G g Gᵀ`, from 3×3 weights.
#[inline(always)]
pub(super) fn weight_tile<S: Simd>(simd: S, from: (&[f32], Grid), to: (&mut [f32], Grid)) {
    square_to::<S, Weights, 3, 6>(simd, from, to);
}

/// `Gᵀ u G`, to the gradient of 3×3 weights.
#[inline(always)]
pub(super) fn weight_gradient_tile<S: Simd>(simd: S, from: (&[f32], Grid), to: (&mut [f32], Grid)) {
    square_to::<S, WeightGradient, 6, 3>(simd, from, to);
}
