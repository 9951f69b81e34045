//! Sixteen lanes in two AVX registers.

use std::arch::x86_64::*;

use super::{Kernel, LANES, Simd};

/// Proof that the CPU has AVX2 and FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// Runs a kernel compiled with AVX2 and FMA.
///
/// # Safety
/// The CPU must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    kernel.run(Avx2(()));
}

/// Applies an intrinsic to both halves.
// SAFETY of every expansion: a value of `Avx2` is made only by `run`, whose caller vouches for the CPU.
macro_rules! halves {
    ($op:ident($($v:ident),*)) => {
        // SAFETY: see the macro.
        unsafe { [$op($($v[0]),*), $op($($v[1]),*)] }
    };
}

impl Simd for Avx2 {
    type Vector = [__m256; 2];
    const WIDE: bool = false;

    #[inline(always)]
    fn prefetch(self, list: &[f32], at: usize) {
        // SAFETY: a hint, which reads nothing, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(list.as_ptr().wrapping_add(at).cast()) };
    }

    #[inline(always)]
    fn prefetch_far(self, list: &[f32], at: usize) {
        // SAFETY: as in `prefetch`.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(list.as_ptr().wrapping_add(at).cast()) };
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        // SAFETY: the CPU has AVX, see `run`.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::Vector {
        let from = from.as_ptr();
        // SAFETY: sixteen values lie behind the reference; the CPU has AVX, see `run`.
        unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES], value: Self::Vector) {
        let to = to.as_mut_ptr();
        // SAFETY: sixteen values lie behind the reference; the CPU has AVX, see `run`.
        unsafe {
            _mm256_storeu_ps(to, value[0]);
            _mm256_storeu_ps(to.add(8), value[1]);
        }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        halves!(_mm256_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        halves!(_mm256_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        halves!(_mm256_mul_ps(a, b))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        halves!(_mm256_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        halves!(_mm256_fnmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn relu(self, a: Self::Vector) -> Self::Vector {
        let zero = self.splat(0.0);
        halves!(_mm256_max_ps(zero, a))
    }

    #[inline(always)]
    fn where_positive(self, condition: Self::Vector, a: Self::Vector) -> Self::Vector {
        let zero = self.splat(0.0);
        // SAFETY: the CPU has AVX, see `run`.
        let mask = unsafe {
            [
                _mm256_cmp_ps::<_CMP_GT_OQ>(condition[0], zero[0]),
                _mm256_cmp_ps::<_CMP_GT_OQ>(condition[1], zero[1]),
            ]
        };
        halves!(_mm256_and_ps(mask, a))
    }
}
