//! Degrees of homogeneity, as they are told.

use std::fmt;

use num_rational::BigRational;
use num_traits::ToPrimitive;

/// A degree or an exponent: scaling by `c` multiplies by `c^(numerator/denominator)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Degree {
    /// Its numerator.
    pub numerator: i64,
    /// Its denominator, positive, without a common factor.
    pub denominator: i64,
}

impl Degree {
    /// `None` for one whose numbers are beyond 64 bits.
    pub(crate) fn of(exact: &BigRational) -> Option<Self> {
        Some(Self {
            numerator: exact.numer().to_i64()?,
            denominator: exact.denom().to_i64()?,
        })
    }

    /// Itself without a bound; a fraction that is none, with denominator 0, is 0.
    pub(crate) fn exact(self) -> BigRational {
        if self.denominator == 0 {
            return BigRational::default();
        }
        BigRational::new(self.numerator.into(), self.denominator.into())
    }

    /// The whole number that it is, if it is one.
    pub fn to_integer(self) -> Option<i32> {
        if self.denominator != 1 {
            return None;
        }
        self.numerator.try_into().ok()
    }
}

impl From<i32> for Degree {
    fn from(whole: i32) -> Self {
        Self {
            numerator: whole.into(),
            denominator: 1,
        }
    }
}

impl fmt::Display for Degree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            return write!(f, "{}", self.numerator);
        }
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}
