//! The weight's own layout `[out, in, u, v]`, and those that the kernels read.

use nn_graph::op::Conv2d;

use crate::simd::LANES;

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct WeightShape {
    pub(super) out: usize,
    pub(super) fan: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl WeightShape {
    pub(super) fn new(shape: &[usize], conv: &Conv2d) -> Self {
        // The graph's shape rule accepts no weight of another rank.
        let [out, fan, kernel, _] = shape[..] else {
            unreachable!("a convolution's weight has rank 4")
        };
        Self {
            out,
            fan,
            kernel,
            stride: conv.stride,
            padding: conv.padding,
        }
    }

    pub(super) fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Values of a weight gradient `[tap][in][out filled up]`.
    pub(super) fn stored(&self, out: usize) -> usize {
        self.taps() * self.fan * out
    }

    /// `[out block][tap][in][16]`: sixteen output channels together.
    pub(super) fn pack_forward(&self, weight: &[f32], packed: &mut [f32]) {
        let (fan, taps) = (self.fan, self.taps());
        for (o, filter) in weight.chunks_exact(fan * taps).enumerate() {
            let block = o / LANES * taps * fan * LANES + o % LANES;
            for (c, kernel) in filter.chunks_exact(taps).enumerate() {
                for (tap, &value) in kernel.iter().enumerate() {
                    packed[block + (tap * fan + c) * LANES] = value;
                }
            }
        }
    }

    /// `[in block][tap][out][16]`: sixteen input channels together.
    pub(super) fn pack_backward(&self, weight: &[f32], packed: &mut [f32]) {
        let (fan, taps, out) = (self.fan, self.taps(), self.out);
        for (o, filter) in weight.chunks_exact(fan * taps).enumerate() {
            for (c, kernel) in filter.chunks_exact(taps).enumerate() {
                let block = c / LANES * taps * out * LANES + c % LANES;
                for (tap, &value) in kernel.iter().enumerate() {
                    packed[block + (tap * out + o) * LANES] = value;
                }
            }
        }
    }
}
