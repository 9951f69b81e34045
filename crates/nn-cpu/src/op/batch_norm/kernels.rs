//! One row of positions at a time: `[position][channel]`, whole blocks of 16 channels.

use super::NormStep;
use crate::simd::{Kernel, LANES, Simd};

type Lanes = [f32; LANES];

/// Block `block` of a per-channel list.
#[inline(always)]
fn channels(list: &[f32], block: usize) -> &Lanes {
    &list.as_chunks::<LANES>().0[block]
}

/// Adds sixteen float32 sums to float64 ones.
#[inline(always)]
fn widen<S: Simd>(simd: S, sum: S::Vector, totals: &mut [f64], block: usize) {
    let mut lanes = [0.0; LANES];
    simd.store(&mut lanes, sum);
    let totals = &mut totals.as_chunks_mut::<LANES>().0[block];
    totals
        .iter_mut()
        .zip(lanes)
        .for_each(|(total, lane)| *total += f64::from(lane));
}

/// `sums[c] += Σ (x[c] − centre[c])`, or of the squares.
pub(super) struct Sums<'a> {
    pub(super) row: &'a [f32],
    pub(super) centre: &'a [f32],
    pub(super) square: bool,
    pub(super) sums: &'a mut [f64],
}

impl Kernel for Sums<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let blocks = self.centre.len() / LANES;
        let row = self.row.as_chunks::<LANES>().0;
        for block in 0..blocks {
            let centre = simd.load(channels(self.centre, block));
            let mut sum = simd.splat(0.0);
            for x in row[block..].iter().step_by(blocks) {
                let centred = simd.sub(simd.load(x), centre);
                sum = if self.square {
                    simd.mul_add(centred, centred, sum)
                } else {
                    simd.add(sum, centred)
                };
            }
            widen(simd, sum, self.sums, block);
        }
    }
}

/// `y = (x − μ) · factor + offset (+ addend)`, then perhaps ReLU.
pub(super) struct Apply<'a> {
    pub(super) norm: &'a NormStep,
    pub(super) x: &'a [f32],
    pub(super) addend: Option<&'a [f32]>,
    pub(super) y: &'a mut [f32],
    pub(super) relu: bool,
}

impl Kernel for Apply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let blocks = self.norm.mean.len() / LANES;
        let x = self.x.as_chunks::<LANES>().0;
        let y = self.y.as_chunks_mut::<LANES>().0;
        let addend = self.addend.map(|addend| addend.as_chunks::<LANES>().0);
        for block in 0..blocks {
            let mean = simd.load(channels(&self.norm.mean, block));
            let factor = simd.load(channels(&self.norm.factor, block));
            let offset = simd.load(channels(&self.norm.offset, block));
            for at in (block..x.len().min(y.len())).step_by(blocks) {
                let centred = simd.sub(simd.load(&x[at]), mean);
                let mut value = simd.mul_add(centred, factor, offset);
                if let Some(addend) = addend {
                    value = simd.add(value, simd.load(&addend[at]));
                }
                if self.relu {
                    value = simd.relu(value);
                }
                simd.store(&mut y[at], value);
            }
        }
    }
}

/// Masks `dy` where `y` is not positive, then `sums += [Σ dy, Σ dy · x̂]`.
pub(super) struct GradientSums<'a> {
    pub(super) norm: &'a NormStep,
    pub(super) x: &'a [f32],
    pub(super) y: Option<&'a [f32]>,
    pub(super) dy: &'a mut [f32],
    pub(super) sums: &'a mut [f64],
}

impl Kernel for GradientSums<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let stored = self.norm.mean.len();
        let blocks = stored / LANES;
        let x = self.x.as_chunks::<LANES>().0;
        let y = self.y.map(|y| y.as_chunks::<LANES>().0);
        let dy = self.dy.as_chunks_mut::<LANES>().0;
        let (gradients, products) = self.sums.split_at_mut(stored);
        for block in 0..blocks {
            let mean = simd.load(channels(&self.norm.mean, block));
            let inverse = simd.load(channels(&self.norm.inverse, block));
            let (mut gradient, mut product) = (simd.splat(0.0), simd.splat(0.0));
            for at in (block..x.len().min(dy.len())).step_by(blocks) {
                let mut value = simd.load(&dy[at]);
                if let Some(y) = y {
                    value = simd.where_positive(simd.load(&y[at]), value);
                    simd.store(&mut dy[at], value);
                }
                let normalised = simd.mul(simd.sub(simd.load(&x[at]), mean), inverse);
                gradient = simd.add(gradient, value);
                product = simd.mul_add(value, normalised, product);
            }
            widen(simd, gradient, gradients, block);
            widen(simd, product, products, block);
        }
    }
}

/// `dx (+)= factor · (dy − mean(dy) − x̂ · mean(dy · x̂))`.
pub(super) struct InputGradient<'a> {
    pub(super) norm: &'a NormStep,
    pub(super) x: &'a [f32],
    pub(super) dy: &'a [f32],
    pub(super) dx: &'a mut [f32],
    pub(super) accumulate: bool,
}

impl Kernel for InputGradient<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let blocks = self.norm.mean.len() / LANES;
        let x = self.x.as_chunks::<LANES>().0;
        let dy = self.dy.as_chunks::<LANES>().0;
        let dx = self.dx.as_chunks_mut::<LANES>().0;
        for block in 0..blocks {
            let mean = simd.load(channels(&self.norm.mean, block));
            let inverse = simd.load(channels(&self.norm.inverse, block));
            let factor = simd.load(channels(&self.norm.factor, block));
            let mean_gradient = simd.load(channels(&self.norm.mean_gradient, block));
            let mean_product = simd.load(channels(&self.norm.mean_product, block));
            for at in (block..x.len().min(dy.len()).min(dx.len())).step_by(blocks) {
                let normalised = simd.mul(simd.sub(simd.load(&x[at]), mean), inverse);
                let expected = simd.mul_add(normalised, mean_product, mean_gradient);
                let mut value = simd.mul(factor, simd.sub(simd.load(&dy[at]), expected));
                if self.accumulate {
                    value = simd.add(value, simd.load(&dx[at]));
                }
                simd.store(&mut dx[at], value);
            }
        }
    }
}
