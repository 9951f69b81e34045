//! An end to the work on numbers without rounding.
//!
//! All but contrived networks take work as they are long. One that takes more is not decided: nothing is claimed of it.

use super::Rational;

/// Work, in about the bits of numbers multiplied, that a network may take whatever its length: about half a second.
const MOST: u64 = 40_000_000;

/// What a network may take besides for each equation: long chains and streams of layers take 200.
const FOR_EACH: u64 = 1_000;

/// Work that a look at one number is.
pub(super) const LOOK: u64 = 10;

/// What is left of the work that a network may take.
#[derive(Debug)]
pub(crate) struct Work(pub(super) u64);

impl Work {
    /// For a network of so many equations.
    pub(crate) fn of(equations: usize) -> Self {
        Self(MOST.saturating_add(FOR_EACH.saturating_mul(equations as u64)))
    }

    /// Takes some off, if there is as much; if not, it is at an end.
    pub(super) fn take(&mut self, work: u64) -> Option<()> {
        let rest = self.0.checked_sub(work);
        self.0 = rest.unwrap_or(0);
        rest.map(|_| ())
    }
}

/// Work that a multiplication by this number is, with what brings the product to lowest terms: that takes as long as the square.
pub(super) fn size(number: &Rational) -> u64 {
    let bits = number.numer().bits() + number.denom().bits();
    LOOK + bits + bits.saturating_mul(bits) / 64
}
