//! What the calculus knows of a tensor.

use std::collections::BTreeSet;

use super::slices::Slot;
use crate::exponents::Form;

/// A tensor as a sum of terms, each of which scales by a factor of its own.
///
/// Most tensors have one. A bias added before a normalisation is another, until the normalisation cancels it or
/// an operation that sees it asks that both scale alike. A tensor without terms is 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) terms: Vec<Term>,
    pub(crate) kind: Kind,
}

/// A summand of a tensor: scaling every parameter `p` by `c^{d_p}` scales it by `c^degree`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    pub(crate) degree: Form,
    /// The axes along which it is constant; all of them where the rank is not known and it is a single number.
    pub(crate) constant: BTreeSet<usize>,
    /// Axes along which slices of a parameter, one for each position, scale one each.
    pub(crate) slices: Vec<(usize, Slot)>,
}

/// What else is known of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Nothing.
    Any,
    /// A constant, all of whose numbers are this one.
    Uniform(f64),
    /// Elementwise squares of another tensor.
    Square,
    /// A power of a sum or mean of squares, to which an `ε` may be added.
    Statistic,
    /// The mean of another tensor over axes, which stay with length 1.
    MeanOf { tensor: usize, axes: Vec<usize> },
}

impl Value {
    pub(crate) fn of(term: Term) -> Self {
        Self {
            terms: vec![term],
            kind: Kind::Any,
        }
    }

    pub(crate) fn zero() -> Self {
        Self {
            terms: Vec::new(),
            kind: Kind::Any,
        }
    }

    pub(crate) fn with(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }
}

impl Term {
    /// A term that no scaling changes.
    pub(crate) fn unscaled() -> Self {
        Self {
            degree: Form::zero(),
            constant: BTreeSet::new(),
            slices: Vec::new(),
        }
    }

    pub(crate) fn is_constant_along(&self, axes: &[usize]) -> bool {
        axes.iter().all(|axis| self.constant.contains(axis))
    }

    /// The slots whose slices lie along an axis.
    pub(crate) fn slots(&self, axis: usize) -> BTreeSet<Slot> {
        let along = self.slices.iter().filter(|(a, _)| *a == axis);
        along.map(|(_, slot)| *slot).collect()
    }
}
