//! `dw[o, c, u, v] = Σ_image Σ_{i,j} x[c, s·i + u − p, s·j + v − p] · dy[o, i, j]`.
//!
//! For each tap, up to 8 input channels × 32 output channels are summed in registers over all
//! positions of an image, then added to the chunk's partial gradient `[tap][in][out filled up]`; partials are
//! added in the order of the chunks.

use super::weights::WeightShape;
use crate::chunks::Chunks;
use crate::layout::Layout;
use crate::simd::{Kernel, LANES, Level, Simd};

/// Overwrites `gradient`, `[out, in, u, v]`.
pub(super) fn run(
    shape: &WeightShape,
    level: Level,
    chunks: &Chunks,
    (input, x): (Layout, &[f32]),
    (output, dy): (Layout, &[f32]),
    partial: &mut [f32],
    gradient: &mut [f32],
) {
    let length = shape.stored(output.stored);
    chunks.partials(partial, length, |images, partial| {
        partial.fill(0.0);
        for image in images {
            let x = &x[image * input.image()..][..input.image()];
            let dy = &dy[image * output.image()..][..output.image()];
            level.run(ImageGradient {
                shape,
                input,
                output,
                x,
                dy,
                partial: &mut *partial,
            });
        }
    });
    let partials = &mut partial[..chunks.count() * length];
    let (total, rest) = partials.split_at_mut(length);
    for partial in rest.chunks_exact(length) {
        total
            .iter_mut()
            .zip(partial)
            .for_each(|(total, partial)| *total += partial);
    }
    let (fan, taps) = (shape.fan, shape.taps());
    for (o, filter) in gradient.chunks_exact_mut(fan * taps).enumerate() {
        for (c, kernel) in filter.chunks_exact_mut(taps).enumerate() {
            for (tap, to) in kernel.iter_mut().enumerate() {
                *to = total[(tap * fan + c) * output.stored + o];
            }
        }
    }
}

/// Adds one image's gradient to `partial`.
struct ImageGradient<'a> {
    shape: &'a WeightShape,
    input: Layout,
    output: Layout,
    x: &'a [f32],
    dy: &'a [f32],
    partial: &'a mut [f32],
}

impl Kernel for ImageGradient<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let WeightShape { kernel, fan, .. } = *self.shape;
        for tap in 0..kernel * kernel {
            let mut c = 0;
            while c < fan {
                c += match fan - c {
                    8.. if S::WIDE => self.channels::<S, 8>(simd, tap, c),
                    4.. => self.channels::<S, 4>(simd, tap, c),
                    2.. => self.channels::<S, 2>(simd, tap, c),
                    _ => self.channels::<S, 1>(simd, tap, c),
                };
            }
        }
    }
}

impl ImageGradient<'_> {
    /// Input channels `c .. c + C` of one tap; returns `C`.
    #[inline(always)]
    fn channels<S: Simd, const C: usize>(&mut self, simd: S, tap: usize, c: usize) -> usize {
        let blocks = self.output.blocks();
        let mut block = 0;
        while block < blocks {
            if S::WIDE && block + 2 <= blocks {
                self.tile::<S, C, 2>(simd, tap, c, block);
                block += 2;
            } else {
                self.tile::<S, C, 1>(simd, tap, c, block);
                block += 1;
            }
        }
        C
    }

    #[inline(always)]
    fn tile<S: Simd, const C: usize, const B: usize>(
        &mut self,
        simd: S,
        tap: usize,
        c: usize,
        block: usize,
    ) {
        let WeightShape {
            kernel,
            stride,
            padding,
            fan,
            ..
        } = *self.shape;
        let Self { input, output, .. } = *self;
        let step = stride * input.stored;
        let mut sums = [[simd.splat(0.0); B]; C];
        for i in 0..output.height {
            let y = (i * stride + tap / kernel) as isize - padding as isize;
            let x = (tap % kernel) as isize - padding as isize;
            let from = input.offset(y, x) + c;
            let to = output.offset(i as isize, 0) + block * LANES;
            // Hold because the halo covers the padding; checked because the loop below is not.
            assert!(from + (output.width - 1) * step + C <= self.x.len());
            assert!(to + (output.width - 1) * output.stored + B * LANES <= self.dy.len());
            for j in 0..output.width {
                let mut lanes = [simd.splat(0.0); B];
                for (b, lanes) in lanes.iter_mut().enumerate() {
                    let at = to + j * output.stored + b * LANES;
                    // SAFETY: within `dy`, by the second assertion.
                    *lanes =
                        simd.load(unsafe { &*self.dy.as_ptr().add(at).cast::<[f32; LANES]>() });
                }
                for (k, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: within `x`, by the first assertion.
                    let value = simd.splat(unsafe { *self.x.get_unchecked(from + j * step + k) });
                    for b in 0..B {
                        sums[b] = simd.mul_add(value, lanes[b], sums[b]);
                    }
                }
            }
        }
        for (k, sums) in sums.into_iter().enumerate() {
            for (b, sum) in sums.into_iter().enumerate() {
                let at = (tap * fan + c + k) * output.stored + (block + b) * LANES;
                let to = self.partial[at..].first_chunk_mut().expect("16 lanes");
                simd.store(to, simd.add(simd.load(to), sum));
            }
        }
    }
}
