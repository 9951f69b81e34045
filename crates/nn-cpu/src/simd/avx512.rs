//! Sixteen lanes in one AVX-512 register.

use std::arch::x86_64::*;

use super::{Kernel, LANES, Simd};

/// Proof that the CPU has AVX-512F.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// Runs a kernel compiled with AVX-512F.
///
/// # Safety
/// The CPU must have AVX-512F.
#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    kernel.run(Avx512(()));
}

// SAFETY of every block below: a value of `Avx512` is made only by `run`, whose caller vouches for
// the CPU; loads and stores go through references to sixteen values.
impl Simd for Avx512 {
    type Vector = __m512;
    const WIDE: bool = true;

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
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::Vector {
        // SAFETY: see above.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES], value: Self::Vector) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { _mm512_fnmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn relu(self, a: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe { _mm512_max_ps(_mm512_setzero_ps(), a) }
    }

    #[inline(always)]
    fn where_positive(self, condition: Self::Vector, a: Self::Vector) -> Self::Vector {
        // SAFETY: see above.
        unsafe {
            let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(condition, _mm512_setzero_ps());
            _mm512_maskz_mov_ps(positive, a)
        }
    }
}
