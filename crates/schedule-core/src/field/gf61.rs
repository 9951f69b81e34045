//! The prime field with 2⁶¹ − 1 elements.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Field;

/// An element of GF(2⁶¹ − 1), for exact tests: two different rational expressions agree at a random
/// point of it with a probability of about their degree divided by 2⁶¹.
///
/// `1/0` is 0, so that division is total; a random computation divides by 0 with probability 2⁻⁶¹ a time.
///
/// ```
/// use schedule_core::field::Gf61;
///
/// let third = Gf61::new(1) / Gf61::new(3);
/// assert_eq!(third + third + third, Gf61::new(1));
/// assert_eq!(-third + third, Gf61::new(0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gf61(u64);

impl Gf61 {
    /// The number of elements, the Mersenne prime 2⁶¹ − 1.
    pub const MODULUS: u64 = (1 << 61) - 1;

    /// The element that `value` is congruent to.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        // 2⁶¹ = 1, so that the high bits count as they stand; what is left is at most p + 7.
        Self::reduced((value & Self::MODULUS) + (value >> 61))
    }

    /// Of a value below 2p.
    const fn reduced(value: u64) -> Self {
        if value < Self::MODULUS {
            Self(value)
        } else {
            Self(value - Self::MODULUS)
        }
    }

    /// `x^(2ⁿ)`.
    fn squared(self, times: u32) -> Self {
        (0..times).fold(self, |square, _| square * square)
    }

    /// `1/x` by Fermat's little theorem, `x^(p−2)`, with `p − 2 = 4(2⁵⁹ − 1) + 1`.
    fn inverse(self) -> Self {
        // xₙ = x^(2ⁿ − 1), and x₂ₙ = xₙ^(2ⁿ) xₙ: 10 products besides the squares.
        let doubled = |power: Self, ones| power.squared(ones) * power;
        let next = |power: Self| power.squared(1) * self;
        let x3 = next(next(self));
        let x7 = next(doubled(x3, 3));
        let x29 = next(doubled(doubled(x7, 7), 14));
        let x59 = next(doubled(x29, 29));
        x59.squared(2) * self
    }
}

impl Field for Gf61 {
    const ZERO: Self = Self(0);
    const ONE: Self = Self(1);

    fn is_positive(self) -> bool {
        self != Self::ZERO
    }
}

impl Add for Gf61 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::reduced(self.0 + other.0)
    }
}

impl Sub for Gf61 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::reduced(self.0 + (Self::MODULUS - other.0))
    }
}

impl Neg for Gf61 {
    type Output = Self;

    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl Mul for Gf61 {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = u128::from(self.0) * u128::from(other.0);
        let (high, low) = ((product >> 61) as u64, product as u64 & Self::MODULUS);
        Self::reduced(high + low)
    }
}

impl Div for Gf61 {
    type Output = Self;

    #[expect(
        clippy::suspicious_arithmetic_impl,
        reason = "division is multiplication by the inverse"
    )]
    fn div(self, other: Self) -> Self {
        self * other.inverse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: [u64; 6] = [0, 1, 2, 3, 1 << 60, Gf61::MODULUS - 1];

    #[test]
    fn it_is_a_field() {
        for a in SAMPLES.map(Gf61::new) {
            assert_eq!(a + -a, Gf61::ZERO);
            assert_eq!(a - a, Gf61::ZERO);
            if a != Gf61::ZERO {
                assert_eq!(a * (Gf61::ONE / a), Gf61::ONE);
            }
            for b in SAMPLES.map(Gf61::new) {
                assert_eq!(a - b, -(b - a));
                for c in SAMPLES.map(Gf61::new) {
                    assert_eq!(a * (b + c), a * b + a * c);
                    assert_eq!(a * b * c, a * (b * c));
                }
            }
        }
        assert_eq!(Gf61::new(1 << 60) + Gf61::new(1 << 60), Gf61::new(1));
        assert_eq!(Gf61::new(5) / Gf61::ZERO, Gf61::ZERO);
    }

    #[test]
    fn reduction_is_the_remainder() {
        for a in [u64::MAX, Gf61::MODULUS, Gf61::MODULUS + 1, 7 << 61]
            .into_iter()
            .chain(SAMPLES)
        {
            assert_eq!(Gf61::new(a).0, a % Gf61::MODULUS);
            for b in SAMPLES {
                let product = u128::from(Gf61::new(a).0) * u128::from(b);
                let expected = (product % u128::from(Gf61::MODULUS)) as u64;
                assert_eq!((Gf61::new(a) * Gf61::new(b)).0, expected);
            }
        }
    }
}
