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
        Self(value % Self::MODULUS)
    }

    /// `1/x` by Fermat's little theorem, `x^(p−2)`.
    fn inverse(self) -> Self {
        let (mut result, mut square) = (Self::ONE, self);
        let mut exponent = Self::MODULUS - 2;
        while exponent > 0 {
            if exponent % 2 == 1 {
                result = result * square;
            }
            square = square * square;
            exponent /= 2;
        }
        result
    }
}

impl Field for Gf61 {
    const ZERO: Self = Self(0);
    const ONE: Self = Self(1);
}

impl Add for Gf61 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.0 + other.0)
    }
}

impl Sub for Gf61 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.0 + (Self::MODULUS - other.0))
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
        Self((product % u128::from(Self::MODULUS)) as u64)
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
}
