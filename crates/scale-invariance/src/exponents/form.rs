//! Linear forms in unknown exponents.

use num_rational::BigRational;
use num_traits::{One, Zero};

use super::work::size;

/// A number without rounding.
pub(crate) type Rational = BigRational;

/// Index of an unknown: the exponent of a parameter, or the degree of a tensor.
pub(crate) type Unknown = usize;

/// `Σ coefficient · unknown`, sorted by unknown, no coefficient 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<(Unknown, Rational)>);

impl Form {
    /// 0.
    pub(crate) fn zero() -> Self {
        Self::default()
    }

    /// One unknown.
    pub(crate) fn unknown(unknown: Unknown) -> Self {
        Self(vec![(unknown, Rational::one())])
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of unknowns.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn terms(&self) -> impl Iterator<Item = (Unknown, &Rational)> {
        self.0
            .iter()
            .map(|(unknown, coefficient)| (*unknown, coefficient))
    }

    pub(crate) fn coefficient(&self, unknown: Unknown) -> Option<&Rational> {
        let place = self.0.binary_search_by_key(&unknown, |term| term.0).ok()?;
        Some(&self.0[place].1)
    }

    pub(crate) fn contains(&self, unknown: Unknown) -> bool {
        self.coefficient(unknown).is_some()
    }

    /// `self + factor · other`.
    pub(crate) fn plus(&self, factor: &Rational, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut sum = Vec::with_capacity(self.0.len() + other.0.len());
        loop {
            let term = match (left.peek(), right.peek()) {
                (None, None) => return Self(sum),
                (Some(a), Some(b)) if a.0 == b.0 => (a.0, &a.1 + factor * &b.1),
                (Some(a), Some(b)) if a.0 < b.0 => (a.0, a.1.clone()),
                (Some(a), None) => (a.0, a.1.clone()),
                (_, Some(b)) => (b.0, factor * &b.1),
            };
            if left.peek().is_some_and(|a| a.0 == term.0) {
                left.next();
            }
            if right.peek().is_some_and(|b| b.0 == term.0) {
                right.next();
            }
            if !term.1.is_zero() {
                sum.push(term);
            }
        }
    }

    /// `self − other`.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.plus(&-Rational::one(), other)
    }

    /// `factor · self`.
    pub(crate) fn times(&self, factor: &Rational) -> Self {
        Self::zero().plus(factor, self)
    }

    /// Work that it is to add a multiple of this form to another.
    pub(super) fn size(&self) -> u64 {
        self.0
            .iter()
            .map(|(_, coefficient)| size(coefficient))
            .sum()
    }

    /// Whether a coefficient is beyond 64 bits.
    pub(crate) fn is_huge(&self) -> bool {
        let mut coefficients = self.0.iter().map(|(_, coefficient)| coefficient);
        coefficients.any(|c| c.numer().bits().max(c.denom().bits()) > 64)
    }

    /// The value, given one for each unknown.
    pub(crate) fn at(&self, value: impl Fn(Unknown) -> Rational) -> Rational {
        self.terms()
            .fold(Rational::zero(), |sum, (unknown, coefficient)| {
                sum + coefficient * value(unknown)
            })
    }
}
