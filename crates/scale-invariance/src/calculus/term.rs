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
    /// Where it may be other than 0, of a tensor that was put together; slices along that axis lie there.
    pub(crate) part: Option<Part>,
}

/// Positions `from..to` of an axis along which an operation put a tensor together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) axis: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// In `Network::operations`.
    pub(crate) operation: Option<usize>,
}

impl Part {
    fn is_apart_from(&self, other: &Self) -> bool {
        self.axis == other.axis && (self.to <= other.from || other.to <= self.from)
    }
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
            part: None,
        }
    }

    pub(crate) fn is_constant_along(&self, axes: &[usize]) -> bool {
        axes.iter().all(|axis| self.constant.contains(axis))
    }

    /// Whether it is 0 wherever another is not.
    fn is_apart_from(&self, other: &Self) -> bool {
        let parts = self.part.as_ref().zip(other.part.as_ref());
        parts.is_some_and(|(own, other)| own.is_apart_from(other))
    }

    /// The slots whose slices lie along an axis.
    pub(crate) fn slots(&self, axis: usize) -> BTreeSet<Slot> {
        let along = self.slices.iter().filter(|(a, _)| *a == axis);
        along.map(|(_, slot)| *slot).collect()
    }
}

/// The terms in groups of which each is 0 wherever another is not.
pub(crate) fn apart(terms: Vec<Term>) -> Vec<Vec<Term>> {
    let mut groups: Vec<Vec<Term>> = Vec::new();
    for term in terms {
        let is_apart = |group: &Vec<Term>| group.iter().all(|other| other.is_apart_from(&term));
        let (mut kept, met): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_apart);
        let mut group: Vec<Term> = met.into_iter().flatten().collect();
        group.push(term);
        kept.push(group);
        groups = kept;
    }
    groups
}
