//! float64 with the rounding errors of what it was computed from.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::Field;

/// A float64 and, to first order, what roundings took from it: `value` is what plain `f64` computes, and
/// `value + error` has about twice its digits.
///
/// A recurrence that forgets slowly sums up its roundings: `κ` of the exact law by `1/(1 − β/α)` of the
/// roots. Run in these numbers it sums them up too, but knows the sum to first order. The values are those of
/// plain `f64` and wait for no error, so that a machine computes the errors beside them:
/// [`normalised`](Self::normalised) is for results, not for what goes round.
/// Every operation finds its own rounding without error, by Knuth's sum and Dekker's product (Dekker, *A
/// floating-point technique for extending the available precision*, Numerische Mathematik 18 (1971)).
/// Not `f64::mul_add`: where the machine lacks it, that is a call of a slow function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Compensated {
    value: f64,
    error: f64,
}

impl Compensated {
    /// The number, rounded once.
    #[inline]
    pub(crate) fn value(self) -> f64 {
        self.normalised().value
    }

    /// `ln(1 + x)`, rounded, of a normalised `x`; NaN below −1.
    #[inline]
    pub(crate) fn ln_1p(self) -> f64 {
        // Near −1, where 1 + x rounds nothing, the error may be most of it.
        if self.value < -0.5 {
            return (1.0 + self.value + self.error).ln();
        }
        // A step of training shrinks by so little that five terms of 2 artanh(x/(2 + x)) are all digits: the next
        // is below 2⁻⁷·¹⁰/11 of the first. `ln_1p` takes three times as long.
        if self.value.abs() < 0.0156 {
            let z = self.value / (2.0 + self.value);
            let square = z * z;
            let tail = square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square / 9.0)));
            return 2.0 * z + 2.0 * z * tail;
        }
        self.value.ln_1p()
    }

    /// The same number with an error of at most half a last digit of the value.
    ///
    /// Near the ends of float64 an error may leave it; the value is then what plain `f64` gives.
    #[inline]
    #[must_use]
    pub(crate) fn normalised(self) -> Self {
        let Self { value, error } = self.bounded();
        let sum = value + error;
        Self {
            value: sum,
            error: (value - sum) + error,
        }
    }

    /// The same number, without an error that left float64.
    #[inline]
    #[must_use]
    pub(crate) fn bounded(self) -> Self {
        let error = if self.error.is_finite() {
            self.error
        } else {
            0.0
        };
        Self { error, ..self }
    }
}

impl From<f64> for Compensated {
    #[inline]
    fn from(value: f64) -> Self {
        Self { value, error: 0.0 }
    }
}

impl Field for Compensated {
    const ZERO: Self = Self {
        value: 0.0,
        error: 0.0,
    };
    const ONE: Self = Self {
        value: 1.0,
        error: 0.0,
    };

    fn is_positive(self) -> bool {
        self.value + self.error > 0.0
    }
}

/// What `a · b` loses in the rounding to `product`.
#[inline]
fn product_error(a: f64, b: f64, product: f64) -> f64 {
    let ((high_a, low_a), (high_b, low_b)) = (halves(a), halves(b));
    low_a * low_b - (((product - high_a * high_b) - low_a * high_b) - high_a * low_b)
}

/// A number as the sum of two of 26 digits.
#[inline]
fn halves(x: f64) -> (f64, f64) {
    let shifted = 134_217_729.0 * x; // 2²⁷ + 1
    let high = shifted - (shifted - x);
    (high, x - high)
}

impl Add for Compensated {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        let value = self.value + other.value;
        let of_other = value - self.value;
        let lost = (self.value - (value - of_other)) + (other.value - of_other);
        Self {
            value,
            error: lost + (self.error + other.error),
        }
    }
}

impl Neg for Compensated {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self {
            value: -self.value,
            error: -self.error,
        }
    }
}

impl Sub for Compensated {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Compensated {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        let value = self.value * other.value;
        let lost = product_error(self.value, other.value, value);
        Self {
            value,
            error: lost + (self.value * other.error + self.error * other.value),
        }
    }
}

impl Div for Compensated {
    type Output = Self;

    #[inline]
    fn div(self, other: Self) -> Self {
        let value = self.value / other.value;
        let product = value * other.value;
        let lost = (self.value - product) - product_error(value, other.value, product);
        Self {
            value,
            error: (lost + (self.error - value * other.error)) * (1.0 / other.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_digits_that_f64_drops() {
        let [one, three, ten] = [1.0, 3.0, 10.0].map(Compensated::from);
        let third = (one / three).normalised();
        let off = third * three - one;
        assert_eq!(off.value, 0.0);
        assert!(off.error.abs() < 1e-31, "{off:?}");
        let tiny = Compensated {
            value: -1.0,
            error: 1e-20,
        };
        assert_eq!(tiny.ln_1p(), 1e-20_f64.ln());
        let tenth = one / ten;
        let sum = (0..10).fold(Compensated::ZERO, |sum, _| (sum + tenth).normalised());
        let off = (sum - one).normalised();
        assert!(off.value.abs() < 1e-31, "{off:?}");
    }

    #[test]
    fn where_an_error_leaves_float64_the_value_stays() {
        let large = Compensated::from(1e305);
        let product = (large * Compensated::from(10.0)).normalised();
        assert_eq!(product.value, 1e305 * 10.0);
        assert_eq!((large * large).normalised().value, f64::INFINITY);
    }
}
