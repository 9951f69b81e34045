//! Sixteen lanes as an array: what the compiler makes of it.

use super::{LANES, Simd};

/// No special instructions.
#[derive(Clone, Copy)]
pub(super) struct Portable;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|lane| f(a[lane], b[lane]))
}

impl Simd for Portable {
    type Vector = [f32; LANES];
    const WIDE: bool = false;

    #[inline(always)]
    fn prefetch(self, _: &[f32], _: usize) {}

    #[inline(always)]
    fn prefetch_far(self, _: &[f32], _: usize) {}

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::Vector {
        *from
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; LANES], value: Self::Vector) {
        *to = value;
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // Not `f32::mul_add`: without the instruction that is a library call.
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        std::array::from_fn(|lane| c[lane] - a[lane] * b[lane])
    }

    #[inline(always)]
    fn relu(self, a: Self::Vector) -> Self::Vector {
        a.map(|a| if a <= 0.0 { 0.0 } else { a })
    }

    #[inline(always)]
    fn where_positive(self, condition: Self::Vector, a: Self::Vector) -> Self::Vector {
        zip(
            condition,
            a,
            |condition, a| if condition > 0.0 { a } else { 0.0 },
        )
    }
}
