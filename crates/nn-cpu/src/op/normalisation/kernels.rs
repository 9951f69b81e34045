//! Passes over one image, or over one row of it, in whole blocks of 16 channels; lists of a [`Norm`](crate::norm::Norm) are
//! `[stored]` here.

use crate::layout::Layout;
use crate::norm::{Coefficients, GradientCoefficients};
use crate::simd::{Kernel, LANES, Level, Simd};

/// Positions, about, that are summed in float32; sums of these run in float64.
const SPAN: usize = 32;

/// Where a ReLU lets the gradient through.
#[derive(Clone, Copy)]
pub(crate) enum Mask<'a> {
    /// Everywhere: there is no ReLU.
    None,
    /// Where this result is positive.
    Stored(&'a [f32]),
    /// Where the normalised value is positive; the result was not stored.
    Made,
}

impl<'a> Mask<'a> {
    /// For a normalisation with or without ReLU, whose result may be stored.
    pub(crate) fn of(relu: bool, stored: Option<&'a [f32]>) -> Self {
        match (relu, stored) {
            (false, _) => Mask::None,
            (true, Some(stored)) => Mask::Stored(stored),
            (true, None) => Mask::Made,
        }
    }
}

/// `sums = [mean, Σ (x − mean)²]` of each channel over an image.
pub(crate) fn statistics(level: Level, layout: &Layout, image: &[f32], sums: &mut [f64]) {
    let (means, squares) = sums.split_at_mut(layout.stored);
    level.run(Moments {
        layout,
        image,
        means,
        squares,
    });
}

/// Normalises values, adds others, and takes the positive part, the last two where asked for.
pub(crate) fn apply(
    level: Level,
    coefficients: Coefficients<'_>,
    x: &[f32],
    addend: Option<&[f32]>,
    y: &mut [f32],
    relu: bool,
) {
    level.run(Apply {
        coefficients,
        x,
        addend,
        y,
        relu,
    });
}

/// Masks an image's gradient, then `sums = [Σ dy, Σ dy · x̂]` of each channel.
pub(crate) fn gradient_sums(
    level: Level,
    layout: &Layout,
    coefficients: Coefficients<'_>,
    image: &[f32],
    mask: Mask<'_>,
    gradient: &mut [f32],
    sums: &mut [f64],
) {
    sums.fill(0.0);
    let span = span(layout);
    let pieces = gradient.chunks_mut(span).zip(image.chunks(span));
    for (index, (dy, x)) in pieces.enumerate() {
        let mask = match mask {
            Mask::Stored(stored) => Mask::Stored(&stored[index * span..][..x.len()]),
            other => other,
        };
        level.run(GradientSums {
            coefficients,
            x,
            mask,
            dy,
            sums,
        });
    }
}

/// The gradient of values' input from that of the normalised values, written or added.
pub(crate) fn input_gradient(
    level: Level,
    coefficients: GradientCoefficients<'_>,
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    accumulate: bool,
) {
    level.run(InputGradient {
        coefficients,
        x,
        dy,
        dx,
        accumulate,
    });
}

/// Values summed in float32.
fn span(layout: &Layout) -> usize {
    SPAN * layout.stored
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

/// `means` and `squares` of one image.
struct Moments<'a> {
    layout: &'a Layout,
    image: &'a [f32],
    means: &'a mut [f64],
    squares: &'a mut [f64],
}

impl Kernel for Moments<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self {
            layout,
            image,
            means,
            squares,
        } = self;
        let (blocks, count) = (layout.blocks(), layout.positions() as f64);
        let image = image.as_chunks::<LANES>().0;
        for block in 0..blocks {
            let lanes = block * LANES..(block + 1) * LANES;
            let means = &mut means[lanes.clone()];
            let squares = &mut squares[lanes];
            let mut centre = image[block];
            means.fill(0.0);
            for span in image.chunks(SPAN * blocks) {
                let mut sum = simd.splat(0.0);
                let centre = simd.load(&centre);
                for x in span[block..].iter().step_by(blocks) {
                    sum = simd.add(sum, simd.sub(simd.load(x), centre));
                }
                widen(simd, sum, means, 0);
            }
            // Squares are taken about the rounded mean, and the difference it makes is taken off.
            let mut off = [0.0; LANES];
            for ((mean, centre), off) in means.iter_mut().zip(&mut centre).zip(&mut off) {
                *mean = f64::from(*centre) + *mean / count;
                *centre = *mean as f32;
                *off = count * (*mean - f64::from(*centre)).powi(2);
            }
            squares.fill(0.0);
            for span in image.chunks(SPAN * blocks) {
                let mut sum = simd.splat(0.0);
                let centre = simd.load(&centre);
                for x in span[block..].iter().step_by(blocks) {
                    let centred = simd.sub(simd.load(x), centre);
                    sum = simd.mul_add(centred, centred, sum);
                }
                widen(simd, sum, squares, 0);
            }
            for (square, off) in squares.iter_mut().zip(off) {
                // Not `max`, which would lose NaN.
                *square = if *square > off {
                    *square - off
                } else {
                    *square * 0.0
                };
            }
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
            ..
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

/// Masks `dy`, then `sums += [Σ dy, Σ dy · x̂]`.
struct GradientSums<'a> {
    coefficients: Coefficients<'a>,
    x: &'a [f32],
    mask: Mask<'a>,
    dy: &'a mut [f32],
    sums: &'a mut [f64],
}

impl Kernel for GradientSums<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let of = self.coefficients;
        let stored = of.mean.len();
        let blocks = stored / LANES;
        let x = self.x.as_chunks::<LANES>().0;
        let dy = self.dy.as_chunks_mut::<LANES>().0;
        let (gradients, products) = self.sums.split_at_mut(stored);
        for block in 0..blocks {
            let mean = simd.load(channels(of.mean, block));
            let inverse = simd.load(channels(of.inverse, block));
            let factor = simd.load(channels(of.factor, block));
            let offset = simd.load(channels(of.offset, block));
            let (mut gradient, mut product) = (simd.splat(0.0), simd.splat(0.0));
            for at in (block..x.len().min(dy.len())).step_by(blocks) {
                let mut value = simd.load(&dy[at]);
                let centred = simd.sub(simd.load(&x[at]), mean);
                match self.mask {
                    Mask::None => {}
                    Mask::Stored(y) => {
                        let y = simd.load(channels(y, at));
                        value = simd.where_positive(y, value);
                        simd.store(&mut dy[at], value);
                    }
                    Mask::Made => {
                        // As `Apply` made it.
                        let y = simd.mul_add(centred, factor, offset);
                        value = simd.where_positive(y, value);
                        simd.store(&mut dy[at], value);
                    }
                }
                gradient = simd.add(gradient, value);
                product = simd.mul_add(value, simd.mul(centred, inverse), product);
            }
            widen(simd, gradient, gradients, block);
            widen(simd, product, products, block);
        }
    }
}

/// `dx (+)= inverse · (scale · dy − mean_gradient − x̂ · mean_product)`.
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
            let scale = simd.load(channels(of.scale, block));
            let mean_gradient = simd.load(channels(of.mean_gradient, block));
            let mean_product = simd.load(channels(of.mean_product, block));
            for at in (block..x.len().min(dy.len()).min(dx.len())).step_by(blocks) {
                let normalised = simd.mul(simd.sub(simd.load(&x[at]), mean), inverse);
                let expected = simd.mul_add(normalised, mean_product, mean_gradient);
                let gradient = simd.mul(scale, simd.load(&dy[at]));
                let mut value = simd.mul(inverse, simd.sub(gradient, expected));
                if self.accumulate {
                    value = simd.add(value, simd.load(&dx[at]));
                }
                simd.store(&mut dx[at], value);
            }
        }
    }
}
