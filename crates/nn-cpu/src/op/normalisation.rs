//! What batch and group normalisation share: passes over one image, row by row, in whole blocks of 16 channels. Both
//! come to numbers for each channel (`[stored]`), which for batch normalisation are the same for all images.

use crate::layout::Layout;
use crate::simd::{Kernel, LANES, Level, Simd};

/// What an image's values are normalised with: `y = (x − mean) · factor + offset`, `[stored]` each.
#[derive(Clone, Copy)]
pub(super) struct Coefficients<'a> {
    pub(super) mean: &'a [f32],
    pub(super) factor: &'a [f32],
    pub(super) offset: &'a [f32],
}

/// `sums[c] += Σ (x[c] − centre[c])`, or of the squares, over an image: in float32 within a row and in float64
/// beyond.
pub(super) fn add_sums(
    level: Level,
    layout: &Layout,
    image: &[f32],
    centre: &[f32],
    square: bool,
    sums: &mut [f64],
) {
    for row in image.chunks_exact(layout.row()) {
        level.run(Sums {
            row,
            centre,
            square,
            sums,
        });
    }
}

/// Normalises an image, adds another, and takes the positive part, the last two where asked for.
pub(super) fn apply(
    level: Level,
    layout: &Layout,
    coefficients: Coefficients<'_>,
    image: &[f32],
    addend: Option<&[f32]>,
    result: &mut [f32],
    relu: bool,
) {
    let mut addends = addend.map(|addend| addend.chunks_exact(layout.row()));
    for (y, x) in result
        .chunks_exact_mut(layout.row())
        .zip(image.chunks_exact(layout.row()))
    {
        level.run(Apply {
            coefficients,
            x,
            addend: addends.as_mut().and_then(Iterator::next),
            y,
            relu,
        });
    }
}

/// Masks an image's gradient where a ReLU's `result` is not positive, then `sums += [Σ dy, Σ dy · x̂]` for each channel,
/// `x̂ = (x − mean) · inverse`; `sums` are `[2][stored]`.
pub(super) fn add_gradient_sums(
    level: Level,
    layout: &Layout,
    (mean, inverse): (&[f32], &[f32]),
    image: &[f32],
    result: Option<&[f32]>,
    gradient: &mut [f32],
    sums: &mut [f64],
) {
    let mut results = result.map(|result| result.chunks_exact(layout.row()));
    for (dy, x) in gradient
        .chunks_exact_mut(layout.row())
        .zip(image.chunks_exact(layout.row()))
    {
        level.run(GradientSums {
            mean,
            inverse,
            x,
            y: results.as_mut().and_then(Iterator::next),
            dy,
            sums,
        });
    }
}

/// What the gradient of an image's input is made with, `[stored]` each:
/// `dx = factor · (weight · dy − mean_gradient − x̂ · mean_product)`, `x̂ = (x − mean) · inverse`.
#[derive(Clone, Copy)]
pub(super) struct GradientCoefficients<'a> {
    pub(super) mean: &'a [f32],
    pub(super) inverse: &'a [f32],
    pub(super) factor: &'a [f32],
    /// 1 where there is none.
    pub(super) weight: Option<&'a [f32]>,
    pub(super) mean_gradient: &'a [f32],
    pub(super) mean_product: &'a [f32],
}

/// The gradient of an image's input from that of its normalised values, written or added.
pub(super) fn input_gradient(
    level: Level,
    layout: &Layout,
    coefficients: GradientCoefficients<'_>,
    image: &[f32],
    gradient: &[f32],
    target: &mut [f32],
    accumulate: bool,
) {
    let rows = image
        .chunks_exact(layout.row())
        .zip(gradient.chunks_exact(layout.row()));
    for (dx, (x, dy)) in target.chunks_exact_mut(layout.row()).zip(rows) {
        level.run(InputGradient {
            coefficients,
            x,
            dy,
            dx,
            accumulate,
        });
    }
}

/// `1/√v`, or 0 where it exceeds float32: a constant channel is normalised to 0, however small `ε` is.
pub(super) fn inverse_root(variance: f64) -> f32 {
    let inverse = variance.sqrt().recip() as f32;
    if inverse.is_infinite() { 0.0 } else { inverse }
}

/// `scale / √(σ² + ε)`. The largest number stands for a product beyond float32, which would turn the
/// centred values of a constant channel, all 0, into NaN.
pub(super) fn factor(scale: f32, inverse: f32) -> f32 {
    let product = scale * inverse;
    if scale.is_finite() {
        product.clamp(f32::MIN, f32::MAX)
    } else {
        product
    }
}

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
struct Sums<'a> {
    row: &'a [f32],
    centre: &'a [f32],
    square: bool,
    sums: &'a mut [f64],
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
struct Apply<'a> {
    coefficients: Coefficients<'a>,
    x: &'a [f32],
    addend: Option<&'a [f32]>,
    y: &'a mut [f32],
    relu: bool,
}

impl Kernel for Apply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Coefficients {
            mean,
            factor,
            offset,
        } = self.coefficients;
        let blocks = mean.len() / LANES;
        let x = self.x.as_chunks::<LANES>().0;
        let y = self.y.as_chunks_mut::<LANES>().0;
        let addend = self.addend.map(|addend| addend.as_chunks::<LANES>().0);
        for block in 0..blocks {
            let mean = simd.load(channels(mean, block));
            let factor = simd.load(channels(factor, block));
            let offset = simd.load(channels(offset, block));
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
struct GradientSums<'a> {
    mean: &'a [f32],
    inverse: &'a [f32],
    x: &'a [f32],
    y: Option<&'a [f32]>,
    dy: &'a mut [f32],
    sums: &'a mut [f64],
}

impl Kernel for GradientSums<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let stored = self.mean.len();
        let blocks = stored / LANES;
        let x = self.x.as_chunks::<LANES>().0;
        let y = self.y.map(|y| y.as_chunks::<LANES>().0);
        let dy = self.dy.as_chunks_mut::<LANES>().0;
        let (gradients, products) = self.sums.split_at_mut(stored);
        for block in 0..blocks {
            let mean = simd.load(channels(self.mean, block));
            let inverse = simd.load(channels(self.inverse, block));
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

/// `dx (+)= factor · (weight · dy − mean_gradient − x̂ · mean_product)`.
struct InputGradient<'a> {
    coefficients: GradientCoefficients<'a>,
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
    accumulate: bool,
}

impl Kernel for InputGradient<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let of = self.coefficients;
        let blocks = of.mean.len() / LANES;
        let x = self.x.as_chunks::<LANES>().0;
        let dy = self.dy.as_chunks::<LANES>().0;
        let dx = self.dx.as_chunks_mut::<LANES>().0;
        for block in 0..blocks {
            let mean = simd.load(channels(of.mean, block));
            let inverse = simd.load(channels(of.inverse, block));
            let factor = simd.load(channels(of.factor, block));
            let weight = of.weight.map(|weight| simd.load(channels(weight, block)));
            let mean_gradient = simd.load(channels(of.mean_gradient, block));
            let mean_product = simd.load(channels(of.mean_product, block));
            for at in (block..x.len().min(dy.len()).min(dx.len())).step_by(blocks) {
                let normalised = simd.mul(simd.sub(simd.load(&x[at]), mean), inverse);
                let expected = simd.mul_add(normalised, mean_product, mean_gradient);
                let mut gradient = simd.load(&dy[at]);
                if let Some(weight) = weight {
                    gradient = simd.mul(weight, gradient);
                }
                let mut value = simd.mul(factor, simd.sub(gradient, expected));
                if self.accumulate {
                    value = simd.add(value, simd.load(&dx[at]));
                }
                simd.store(&mut dx[at], value);
            }
        }
    }
}
