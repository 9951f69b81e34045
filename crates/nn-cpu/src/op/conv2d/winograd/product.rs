//! The products between transforms: at each of the 36 points a small matrix product over channels or over tiles.
//!
//! Sums are held in registers: up to 16 rows × 1 vector or 8 rows × 2 vectors of 16 columns. Every sum runs in the order
//! of its terms, whatever the block it is in.

use crate::simd::{LANES, Simd};

/// A row-major matrix within a list.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) values: &'a [f32],
    /// Values from one row to the next.
    pub(super) row: usize,
}

/// `m[t, k] = Σ_c v[t, c] · u[c, k]` for `rows` rows `t`, `terms` terms and `u.row` columns, a multiple of 16.
#[inline(always)]
pub(super) fn over_channels<S: Simd>(
    simd: S,
    v: Matrix<'_>,
    u: Matrix<'_>,
    m: &mut [f32],
    size: [usize; 2],
) {
    // A step that is constant is part of the instruction.
    match v.row {
        16 => over_channels_of::<S, 16>(simd, v, u, m, size),
        32 => over_channels_of::<S, 32>(simd, v, u, m, size),
        64 => over_channels_of::<S, 64>(simd, v, u, m, size),
        _ => over_channels_of::<S, 0>(simd, v, u, m, size),
    }
}

/// [`over_channels`] where `v.row` is `ROW`, unless that is 0.
#[inline(always)]
fn over_channels_of<S: Simd, const ROW: usize>(
    simd: S,
    v: Matrix<'_>,
    u: Matrix<'_>,
    m: &mut [f32],
    [rows, terms]: [usize; 2],
) {
    let block = Block {
        step: if ROW == 0 { v.row } else { ROW },
        term: 1,
        v: v.values,
        u,
        terms,
        add: false,
    };
    block.rows(simd, rows, m);
}

/// `w[c, k] += Σ_t v[t, c] · d[t, k]` for `rows` rows `c`, a multiple of 16, `terms` terms and `d.row` columns, a multiple of
/// 16.
#[inline(always)]
pub(super) fn over_tiles<S: Simd>(
    simd: S,
    v: Matrix<'_>,
    d: Matrix<'_>,
    w: &mut [f32],
    [rows, terms]: [usize; 2],
) {
    let block = Block {
        step: 1,
        term: v.row,
        v: v.values,
        u: d,
        terms,
        add: true,
    };
    block.rows(simd, rows, w);
}

/// `to[r, k] (+)= Σ_i v[r · step + i · term] · u[i, k]`.
#[derive(Clone, Copy)]
struct Block<'a> {
    v: &'a [f32],
    step: usize,
    term: usize,
    u: Matrix<'a>,
    terms: usize,
    add: bool,
}

impl Block<'_> {
    /// So many rows, as many at a time as there are registers for.
    #[inline(always)]
    fn rows<S: Simd>(self, simd: S, rows: usize, to: &mut [f32]) {
        let columns = self.u.row;
        let mut r = 0;
        while r < rows {
            let (first, to) = (r * self.step, &mut to[r * columns..]);
            r += match rows - r {
                16.. if S::WIDE && columns == LANES => self.columns::<S, 16>(simd, first, to),
                8.. if S::WIDE => self.columns::<S, 8>(simd, first, to),
                4.. => self.columns::<S, 4>(simd, first, to),
                _ => self.columns::<S, 1>(simd, first, to),
            };
        }
    }

    /// `R` rows, the first at `v[first]`, and all columns; returns `R`.
    #[inline(always)]
    fn columns<S: Simd, const R: usize>(self, simd: S, first: usize, to: &mut [f32]) -> usize {
        let mut column = 0;
        while column < self.u.row {
            if S::WIDE && R <= 8 && column + 2 * LANES <= self.u.row {
                self.sums::<S, R, 2>(simd, first, column, to);
                column += 2 * LANES;
            } else {
                self.sums::<S, R, 1>(simd, first, column, to);
                column += LANES;
            }
        }
        R
    }

    #[inline(always)]
    fn sums<S: Simd, const R: usize, const B: usize>(
        self,
        simd: S,
        first: usize,
        column: usize,
        to: &mut [f32],
    ) {
        let Self {
            v,
            step,
            term,
            u,
            terms,
            add,
        } = self;
        if terms == 0 {
            return;
        }
        // Checked because the loop below is not.
        assert!(first + (R - 1) * step + (terms - 1) * term < v.len());
        assert!((terms - 1) * u.row + column + B * LANES <= u.values.len());
        assert!((R - 1) * u.row + column + B * LANES <= to.len());
        let (v, lanes) = (v.as_ptr(), u.values.as_ptr());
        let mut sums = [[simd.splat(0.0); B]; R];
        for i in 0..terms {
            // SAFETY: within `v`, by the first assertion.
            let v = unsafe { v.add(first + i * term) };
            let mut row = [simd.splat(0.0); B];
            for (b, row) in row.iter_mut().enumerate() {
                let at = i * u.row + column + b * LANES;
                // SAFETY: within `u`, by the second assertion.
                *row = simd.load(unsafe { &*lanes.add(at).cast::<[f32; LANES]>() });
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: within `v`, by the first assertion.
                let value = simd.splat(unsafe { *v.add(r * step) });
                for (sum, row) in sums.iter_mut().zip(&row) {
                    *sum = simd.mul_add(value, *row, *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (b, &(mut sum)) in sums.iter().enumerate() {
                let at = r * u.row + column + b * LANES;
                // SAFETY: within `to`, by the third assertion.
                let to = unsafe { &mut *to.as_mut_ptr().add(at).cast::<[f32; LANES]>() };
                if add {
                    sum = simd.add(simd.load(to), sum);
                }
                simd.store(to, sum);
            }
        }
    }
}
