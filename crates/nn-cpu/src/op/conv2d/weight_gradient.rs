//! `dw[o, c, u, v] = Σ_image Σ_{i,j} x[c, s·i + u − p, s·j + v − p] · dy[o, i, j]`, by the method that pays.
//!
//! Directly: for each tap, up to 8 input channels × 32 output channels are summed in registers over all
//! positions of an image, then added to `[tap][in][out filled up]`.

use super::ahead::Ahead;
use super::weights::WeightShape;
use super::winograd::{self, WinogradGradient};
use crate::layout::{Framed, Layout};
use crate::simd::{Kernel, LANES, Level, Simd};

/// The gradient of a convolution's weight, summed over images.
pub(super) struct WeightGradient {
    shape: WeightShape,
    input: Framed,
    output: Framed,
    /// `None` where it is summed directly.
    winograd: Option<WinogradGradient>,
}

impl WeightGradient {
    /// For an input in the frame that the forward direction reads.
    pub(super) fn new(shape: WeightShape, input: Framed, output: Layout) -> Self {
        let winograd = winograd::pays(&shape, output)
            .then(|| WinogradGradient::new(input, output, shape.padding));
        let plain = Framed::new(output, 0, output.height, output.width);
        Self {
            shape,
            input,
            output: winograd.as_ref().map_or(plain, WinogradGradient::output),
            winograd,
        }
    }

    /// The frame that the output's gradient must have.
    pub(super) fn output(&self) -> Framed {
        self.output
    }

    /// Makes it read the output's gradient from a larger frame.
    pub(super) fn set_output(&mut self, output: Framed) {
        self.output = output;
        if let Some(winograd) = &mut self.winograd {
            winograd.set_output(output);
        }
    }

    /// Images that it is best given together.
    pub(super) fn images(&self) -> usize {
        self.winograd.as_ref().map_or(1, WinogradGradient::images)
    }

    /// Scratch values that it needs from [`begin`](Self::begin) to [`finish`](Self::finish), untouched, and those that
    /// [`add`](Self::add) needs for itself.
    pub(super) fn scratch(&self) -> (usize, usize) {
        let winograd = self.winograd.as_ref();
        winograd.map_or((0, 0), |winograd| (winograd.sums(), winograd.scratch()))
    }

    /// Starts a sum.
    pub(super) fn begin(&self, taps: &mut [f32], kept: &mut [f32]) {
        // Winograd's sums are kept, and overwrite the taps at the end.
        match self.winograd {
            None => taps.fill(0.0),
            Some(_) => kept.fill(0.0),
        }
    }

    /// Adds some images; `x` and `dy` lie in their frames.
    pub(super) fn add(
        &self,
        level: Level,
        images: usize,
        (x, dy): (&[f32], &[f32]),
        taps: &mut [f32],
        ahead: Ahead<'_>,
        (kept, scratch): (&mut [f32], &mut [f32]),
    ) {
        if let Some(winograd) = &self.winograd {
            winograd.add(level, images, (x, dy), kept, ahead, scratch);
            return;
        }
        let Self {
            shape,
            input,
            output,
            ..
        } = *self;
        for image in 0..images {
            let x = &x[image * input.image()..][..input.image()];
            let dy = &dy[image * output.image()..][..output.image()];
            level.run(ImageGradient {
                shape: &shape,
                input,
                output,
                x,
                dy,
                partial: &mut *taps,
            });
        }
    }

    /// Ends a sum: `taps` hold it, `[tap][in][out filled up]`.
    pub(super) fn finish(&self, level: Level, taps: &mut [f32], kept: &[f32]) {
        if let Some(winograd) = &self.winograd {
            winograd.finish(level, kept, taps);
        }
    }
}

/// Adds one image's gradient to `partial`.
struct ImageGradient<'a> {
    shape: &'a WeightShape,
    input: Framed,
    output: Framed,
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
        let blocks = self.output.inner.blocks();
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
        let stored = output.inner.stored;
        let step = stride * input.inner.stored;
        let mut sums = [[simd.splat(0.0); B]; C];
        for i in 0..output.inner.height {
            let y = (i * stride + tap / kernel) as isize - padding as isize;
            let x = (tap % kernel) as isize - padding as isize;
            let from = input.offset(y, x) + c;
            let to = output.offset(i as isize, 0) + block * LANES;
            // Hold because the frame covers the padding; checked because the loop below is not. (The first: a position
            // before the frame is a huge number, to which nothing may be added.)
            assert!(from <= self.x.len());
            assert!(from + (output.inner.width - 1) * step + C <= self.x.len());
            assert!(to + (output.inner.width - 1) * stored + B * LANES <= self.dy.len());
            for j in 0..output.inner.width {
                let mut lanes = [simd.splat(0.0); B];
                for (b, lanes) in lanes.iter_mut().enumerate() {
                    let at = to + j * stored + b * LANES;
                    // SAFETY: within `dy`, by the third assertion.
                    *lanes =
                        simd.load(unsafe { &*self.dy.as_ptr().add(at).cast::<[f32; LANES]>() });
                }
                for (k, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: within `x`, by the first two assertions.
                    let value = simd.splat(unsafe { *self.x.get_unchecked(from + j * step + k) });
                    for b in 0..B {
                        sums[b] = simd.mul_add(value, lanes[b], sums[b]);
                    }
                }
            }
        }
        for (k, sums) in sums.iter().enumerate() {
            for (b, &sum) in sums.iter().enumerate() {
                let at = (tap * fan + c + k) * stored + (block + b) * LANES;
                let to = self.partial[at..].first_chunk_mut().expect("16 lanes");
                simd.store(to, simd.add(simd.load(to), sum));
            }
        }
    }
}
