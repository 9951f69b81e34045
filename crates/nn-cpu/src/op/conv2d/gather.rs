//! Each position of the target gathers from positions of the source:
//! `t[k] = Σ_tap Σ_c w[tap, c, k] · s[c at tap]`.
//!
//! Forward, the target is the output. Backward, it is the gradient of the input, and the source that
//! of the output; with stride `s` the target's positions then fall into up to `s²` *phases*, each
//! reached by other taps.
//!
//! A tile of up to 8 neighbouring positions × 32 channels is held in registers, while the source's
//! channels stream by: one multiply-add for each broadcast value and vector of weights.

use nn_engine::EngineError;

use super::epilogue::Epilogue;
use super::weights::WeightShape;
use crate::layout::{Framed, Layout};
use crate::memory::room;
use crate::simd::{Kernel, LANES, Level, Simd};

/// One term of the sum.
#[derive(Clone, Copy, Debug)]
struct Tap {
    /// Displacement in the source, in rows and columns.
    rows: isize,
    columns: isize,
    /// Its number among the packed weights.
    index: usize,
}

/// Target positions `first + step · (i, j)`, which gather from `source + source_step · (i, j)`.
#[derive(Clone, Debug)]
struct Phase {
    first: [usize; 2],
    count: [usize; 2],
    step: usize,
    source: [isize; 2],
    source_step: usize,
    taps: Vec<Tap>,
}

/// A convolution in one direction, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Gather {
    source: Framed,
    target: Layout,
    taps: usize,
    phases: Vec<Phase>,
}

impl Gather {
    /// Output from input.
    pub(super) fn forward(
        input: Layout,
        output: Layout,
        shape: &WeightShape,
    ) -> Result<Self, EngineError> {
        let WeightShape {
            kernel,
            stride,
            padding,
            ..
        } = *shape;
        let padding = padding as isize;
        let mut taps = room(kernel * kernel)?;
        for u in 0..kernel {
            for v in 0..kernel {
                taps.push(Tap {
                    rows: u as isize - padding,
                    columns: v as isize - padding,
                    index: u * kernel + v,
                });
            }
        }
        let phase = Phase {
            first: [0, 0],
            count: [output.height, output.width],
            step: 1,
            source: [0, 0],
            source_step: stride,
            taps,
        };
        Ok(Self::new(input, output, shape, vec![phase]))
    }

    /// Gradient of the input from that of the output: position `y` receives from `(y + p − u)/s`
    /// wherever that is whole.
    pub(super) fn backward(
        input: Layout,
        output: Layout,
        shape: &WeightShape,
    ) -> Result<Self, EngineError> {
        let WeightShape {
            kernel,
            stride,
            padding,
            ..
        } = *shape;
        // Of one axis, the positions `first + stride · i`: their count, the source position of the
        // first, and taps `(u, displacement)`.
        let axis = |size: usize, first: usize| {
            let count = (size - first).div_ceil(stride);
            let source = ((first + padding) / stride) as isize;
            let taps: Vec<(usize, isize)> = ((first + padding) % stride..kernel)
                .step_by(stride)
                .enumerate()
                .map(|(k, u)| (u, -(k as isize)))
                .collect();
            (count, source, taps)
        };
        // A stride beyond the image has more phases than the image has positions.
        let (height, width) = (stride.min(input.height), stride.min(input.width));
        let mut phases = room(height * width)?;
        for y in 0..height {
            for x in 0..width {
                let (rows, source_y, taps_y) = axis(input.height, y);
                let (columns, source_x, taps_x) = axis(input.width, x);
                let mut taps = room(taps_y.len() * taps_x.len())?;
                for &(u, down) in &taps_y {
                    for &(v, right) in &taps_x {
                        // The weights are packed in reverse.
                        let index = kernel * kernel - 1 - (u * kernel + v);
                        taps.push(Tap {
                            rows: down,
                            columns: right,
                            index,
                        });
                    }
                }
                phases.push(Phase {
                    first: [y, x],
                    count: [rows, columns],
                    step: stride,
                    source: [source_y, source_x],
                    source_step: 1,
                    taps,
                });
            }
        }
        Ok(Self::new(output, input, shape, phases))
    }

    fn new(source: Layout, target: Layout, shape: &WeightShape, phases: Vec<Phase>) -> Self {
        // How far outside the source's image it reads, before and beyond.
        let (mut before, mut beyond) = (0, [source.height as isize, source.width as isize]);
        for phase in &phases {
            for tap in &phase.taps {
                for (axis, displacement) in [tap.rows, tap.columns].into_iter().enumerate() {
                    let first = phase.source[axis] + displacement;
                    let last = first + ((phase.count[axis] - 1) * phase.source_step) as isize;
                    before = before.max(-first);
                    beyond[axis] = beyond[axis].max(last + 1);
                }
            }
        }
        let [rows, columns] = beyond.map(|beyond| (before + beyond) as usize);
        Self {
            source: Framed::new(source, before as usize, rows, columns),
            target,
            taps: shape.taps(),
            phases,
        }
    }

    /// The frame that its source must have, or a larger one.
    pub(super) fn source(&self) -> Framed {
        self.source
    }

    pub(super) fn set_source(&mut self, source: Framed) {
        self.source = source;
    }

    /// Computes whole images from packed weights `[tap][source channel][target channel filled up]`.
    pub(super) fn run(
        &self,
        level: Level,
        weights: &[f32],
        source: &[f32],
        target: &mut [f32],
        epilogue: Epilogue<'_>,
    ) {
        level.run(GatherKernel {
            gather: self,
            weights,
            source,
            target,
            epilogue,
        });
    }
}

struct GatherKernel<'a> {
    gather: &'a Gather,
    weights: &'a [f32],
    source: &'a [f32],
    target: &'a mut [f32],
    epilogue: Epilogue<'a>,
}

impl Kernel for GatherKernel<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Gather {
            source,
            target,
            phases,
            ..
        } = self.gather;
        let weights = self.gather.taps * source.inner.channels * target.stored;
        assert_eq!(self.weights.len(), weights);
        self.epilogue.check(self.target, target.stored);
        for (index, at) in (0..self.target.len()).step_by(target.image()).enumerate() {
            let image = &self.source[index * source.image()..][..source.image()];
            for phase in phases {
                let mut block = 0;
                while block < target.blocks() {
                    if S::WIDE && block + 2 <= target.blocks() {
                        self.rows::<S, 2>(simd, phase, image, at, block);
                        block += 2;
                    } else {
                        self.rows::<S, 1>(simd, phase, image, at, block);
                        block += 1;
                    }
                }
            }
        }
    }
}

impl GatherKernel<'_> {
    /// All positions of a phase, `B` blocks of channels from `block` on.
    #[inline(always)]
    fn rows<S: Simd, const B: usize>(
        &mut self,
        simd: S,
        phase: &Phase,
        image: &[f32],
        at: usize,
        block: usize,
    ) {
        let Gather { source, target, .. } = self.gather;
        let [rows, columns] = phase.count;
        for i in 0..rows {
            let from_y = phase.source[0] + (i * phase.source_step) as isize;
            let to_y = phase.first[0] + i * phase.step;
            let mut j = 0;
            while j < columns {
                let from_x = phase.source[1] + (j * phase.source_step) as isize;
                let to_x = phase.first[1] + j * phase.step;
                let place = Place {
                    image,
                    from: source.offset(from_y, from_x),
                    from_step: phase.source_step * source.inner.stored,
                    to: at + target.offset(to_y, to_x) + block * LANES,
                    to_step: phase.step * target.stored,
                    block,
                };
                j += match columns - j {
                    8.. if S::WIDE => self.tile::<S, 8, B>(simd, phase, &place),
                    4.. => self.tile::<S, 4, B>(simd, phase, &place),
                    2.. => self.tile::<S, 2, B>(simd, phase, &place),
                    _ => self.tile::<S, 1, B>(simd, phase, &place),
                };
            }
        }
    }

    /// `P` neighbouring positions; returns `P`.
    #[inline(always)]
    fn tile<S: Simd, const P: usize, const B: usize>(
        &mut self,
        simd: S,
        phase: &Phase,
        place: &Place<'_>,
    ) -> usize {
        let Gather { source, target, .. } = self.gather;
        let (channels, stored) = (source.inner.channels, target.stored);
        let mut sums = [[simd.splat(0.0); B]; P];
        for tap in &phase.taps {
            let (down, right) = (source.row() as isize, source.inner.stored as isize);
            let base = place.from as isize + tap.rows * down + tap.columns * right;
            let last = base + ((P - 1) * place.from_step + channels) as isize;
            let first = tap.index * channels * stored + place.block * LANES;
            // Holds by `Gather::new`; checked because the loop below is not.
            assert!(base >= 0 && last as usize <= place.image.len());
            assert!(first + (channels - 1) * stored + B * LANES <= self.weights.len());
            for c in 0..channels {
                let mut lanes = [simd.splat(0.0); B];
                for (b, lanes) in lanes.iter_mut().enumerate() {
                    let at = first + c * stored + b * LANES;
                    // SAFETY: within the weights, by the assertion on `first`.
                    *lanes = simd
                        .load(unsafe { &*self.weights.as_ptr().add(at).cast::<[f32; LANES]>() });
                }
                for (p, sums) in sums.iter_mut().enumerate() {
                    let at = base as usize + p * place.from_step + c;
                    // SAFETY: below `last`, by the assertion above.
                    let value = simd.splat(unsafe { *place.image.get_unchecked(at) });
                    for b in 0..B {
                        sums[b] = simd.mul_add(value, lanes[b], sums[b]);
                    }
                }
            }
        }
        let last = place.to + (P - 1) * place.to_step + B * LANES;
        assert!(last <= self.target.len() && place.block * LANES + B * LANES <= stored);
        for (p, sums) in sums.iter().enumerate() {
            for (b, &sum) in sums.iter().enumerate() {
                let (at, channel) = (place.to + p * place.to_step, place.block * LANES);
                let (at, channel) = (at + b * LANES, channel + b * LANES);
                // SAFETY: within the target, by the assertion and `check`.
                unsafe {
                    self.epilogue
                        .store(simd, [sum], self.target, (at, 0), channel)
                };
            }
        }
        P
    }
}

/// Where a tile reads and writes.
struct Place<'a> {
    /// The source image.
    image: &'a [f32],
    /// First value of the first position, without displacement, and the distance to the next.
    from: usize,
    from_step: usize,
    /// The same in the target.
    to: usize,
    to_step: usize,
    /// First block of channels.
    block: usize,
}
