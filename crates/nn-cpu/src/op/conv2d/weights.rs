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

    /// Values of [`pack_forward`](Self::pack_forward)'s layout.
    pub(super) fn forward(&self) -> usize {
        self.taps() * self.fan * self.out.next_multiple_of(LANES)
    }

    /// Values of [`pack_backward`](Self::pack_backward)'s layout.
    pub(super) fn backward(&self) -> usize {
        self.taps() * self.out * self.fan.next_multiple_of(LANES)
    }

    /// `[tap][in][out filled up]`.
    pub(super) fn pack_forward(&self, weight: &[f32], packed: &mut [f32]) {
        let stored = self.out.next_multiple_of(LANES);
        for (o, filter) in weight.chunks_exact(self.fan * self.taps()).enumerate() {
            for (c, kernel) in filter.chunks_exact(self.taps()).enumerate() {
                for (tap, &value) in kernel.iter().enumerate() {
                    packed[(tap * self.fan + c) * stored + o] = value;
                }
            }
        }
    }

    /// The inverse of [`pack_forward`](Self::pack_forward).
    pub(super) fn unpack_forward(&self, packed: &[f32], weight: &mut [f32]) {
        let stored = self.out.next_multiple_of(LANES);
        for (o, filter) in weight.chunks_exact_mut(self.fan * self.taps()).enumerate() {
            for (c, kernel) in filter.chunks_exact_mut(self.taps()).enumerate() {
                for (tap, value) in kernel.iter_mut().enumerate() {
                    *value = packed[(tap * self.fan + c) * stored + o];
                }
            }
        }
    }

    /// `[tap][out][in filled up]`, the taps in reverse: what the output's gradient is convolved with.
    pub(super) fn pack_backward(&self, weight: &[f32], packed: &mut [f32]) {
        let (taps, stored) = (self.taps(), self.fan.next_multiple_of(LANES));
        for (o, filter) in weight.chunks_exact(self.fan * taps).enumerate() {
            for (c, kernel) in filter.chunks_exact(taps).enumerate() {
                for (tap, &value) in kernel.iter().enumerate() {
                    packed[((taps - 1 - tap) * self.out + o) * stored + c] = value;
                }
            }
        }
    }
}
