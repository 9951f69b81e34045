//! What happens to results in registers before they are stored.

use crate::simd::{LANES, Simd};

/// Additions on the way to the target.
#[derive(Clone, Copy)]
pub(super) struct Epilogue<'a> {
    /// Added to every position: `[stored channels]`.
    pub(super) bias: Option<&'a [f32]>,
    /// Added, in the target's layout, for the same images.
    pub(super) addend: Option<&'a [f32]>,
    /// Whether the results are added to what the target holds.
    pub(super) accumulate: bool,
}

impl Epilogue<'_> {
    /// Panics unless [`store`](Self::store) may be called for every position of the target.
    pub(super) fn check(&self, target: &[f32], stored: usize) {
        assert!(self.bias.is_none_or(|bias| bias.len() >= stored));
        assert!(
            self.addend
                .is_none_or(|addend| addend.len() >= target.len())
        );
    }

    /// Stores sixteen channels, the first of them `channel`, of `N` positions: at `target[at]` and every `step` values.
    ///
    /// # Safety
    /// `at + (N − 1) · step + 16` is at most the target's length, `channel + 16` at most the channels stored, and
    /// [`check`](Self::check) has accepted both.
    #[inline(always)]
    pub(super) unsafe fn store<S: Simd, const N: usize>(
        &self,
        simd: S,
        mut sums: [S::Vector; N],
        target: &mut [f32],
        (at, step): (usize, usize),
        channel: usize,
    ) {
        let lanes = |list: &[f32], at: usize| {
            debug_assert!(at + LANES <= list.len());
            // SAFETY: the caller's promise.
            simd.load(unsafe { &*list.as_ptr().add(at).cast::<[f32; LANES]>() })
        };
        if let Some(bias) = self.bias {
            let bias = lanes(bias, channel);
            for sum in &mut sums {
                *sum = simd.add(*sum, bias);
            }
        }
        if let Some(addend) = self.addend {
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = simd.add(*sum, lanes(addend, at + n * step));
            }
        }
        if self.accumulate {
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = simd.add(*sum, lanes(target, at + n * step));
            }
        }
        for (n, sum) in sums.iter().enumerate() {
            // SAFETY: the caller's promise.
            let to = unsafe {
                &mut *target
                    .as_mut_ptr()
                    .add(at + n * step)
                    .cast::<[f32; LANES]>()
            };
            simd.store(to, *sum);
        }
    }
}
