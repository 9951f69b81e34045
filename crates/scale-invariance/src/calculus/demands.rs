//! What is asked of terms: that they scale alike, or not at all, and how finely they may be cut.

use std::collections::{BTreeMap, BTreeSet};

use nn_graph::network::TensorId;

use super::slices::{Granularity, Slot};
use super::term::{Term, apart};
use super::{Calculus, Cause, Demand};
use crate::exponents::{Equation, Form};

impl Calculus<'_> {
    /// The terms of a tensor, none of which is told to be 0 anywhere: what was put together must scale alike.
    pub(super) fn terms(&mut self, tensor: TensorId) -> Vec<Term> {
        let (parts, mut terms): (Vec<Term>, Vec<Term>) =
            (self.value(tensor).terms.iter().cloned()).partition(|term| term.part.is_some());
        let Some(part) = parts.first().and_then(|term| term.part) else {
            return terms;
        };
        let reader = std::mem::replace(&mut self.operation, part.operation);
        let joined = self.joined(tensor, &parts);
        terms.extend(joined.map(|term| self.without_part(term)));
        self.operation = reader;
        self.values[tensor.index()].terms.clone_from(&terms);
        terms
    }

    /// A term of which it is not told where it is 0, so that what it is cut into along that axis has no place.
    pub(super) fn without_part(&mut self, mut term: Term) -> Term {
        if let Some(part) = term.part.take() {
            self.whole_along(&term, &[part.axis]);
            term.slices.retain(|(axis, _)| *axis != part.axis);
        }
        term
    }

    /// One term for several, which must scale alike; `None` for none.
    ///
    /// Its slices are those of the first: the others' are linked to them, or no longer cut.
    pub(super) fn joined(&mut self, tensor: TensorId, terms: &[Term]) -> Option<Term> {
        let part = terms.first()?.part;
        let mut terms = terms.to_vec();
        if terms.iter().any(|term| term.part != part) {
            let whole = terms.into_iter().map(|term| self.without_part(term));
            terms = whole.collect();
        }
        let (first, rest) = terms.split_first()?;
        let mut joined = first.clone();
        for term in rest {
            self.equal(tensor, &joined, term);
            joined.constant = &joined.constant & &term.constant;
        }
        Some(joined)
    }

    /// Terms of which each is 0 wherever another is not; those of which that is not known must scale alike.
    pub(super) fn joined_where_they_meet(
        &mut self,
        tensor: TensorId,
        terms: Vec<Term>,
    ) -> Vec<Term> {
        let groups = apart(terms).into_iter();
        groups
            .filter_map(|terms| self.joined(tensor, &terms))
            .collect()
    }

    /// The one term of a tensor.
    pub(super) fn single(&mut self, tensor: TensorId) -> Option<Term> {
        let terms = self.terms(tensor);
        self.joined(tensor, &terms)
    }

    /// Asks that two terms of a tensor scale alike.
    fn equal(&mut self, tensor: TensorId, left: &Term, right: &Term) {
        let form = left.degree.minus(&right.degree);
        self.tie(&form, left, right);
        if !form.is_zero() {
            let (left, right) = (left.degree.clone(), right.degree.clone());
            self.demand(tensor, form, Cause::Equal { left, right });
        }
    }

    /// Asks that a term does not scale.
    pub(super) fn unscaled(&mut self, tensor: TensorId, term: &Term) {
        self.tie(&term.degree, term, &Term::unscaled());
        if !term.degree.is_zero() {
            let degree = term.degree.clone();
            self.demand(tensor, degree.clone(), Cause::Unscaled(degree));
        }
    }

    /// Asks that no term of some tensors scales.
    pub(super) fn all_unscaled(&mut self, tensors: &[TensorId]) {
        for &tensor in tensors {
            for term in self.value(tensor).terms.clone() {
                self.unscaled(tensor, &term);
            }
        }
    }

    /// `form`, the difference of two terms' degrees, is 0 slice by slice: along each axis all parameters of the form are
    /// cut alike, or none is cut.
    fn tie(&mut self, form: &Form, left: &Term, right: &Term) {
        self.cut_alike(left, right);
        let slices = left.slices.iter().chain(&right.slices);
        let mut along: BTreeMap<usize, BTreeSet<Slot>> = BTreeMap::new();
        for (axis, slot) in slices.filter(|(_, slot)| form.contains(slot.parameter)) {
            along.entry(*axis).or_default().insert(*slot);
        }
        for slots in along.values() {
            let cut = |unknown| slots.iter().any(|slot| slot.parameter == unknown);
            if form.terms().all(|(unknown, _)| cut(unknown)) {
                self.slices.link(slots);
            } else {
                self.whole(slots);
            }
        }
    }

    /// Asks that a parameter on which two terms depend is cut no other way in one than in the other.
    pub(super) fn cut_alike(&mut self, left: &Term, right: &Term) {
        let (a, b): (BTreeSet<_>, BTreeSet<_>) =
            (left.slices.iter().collect(), right.slices.iter().collect());
        let is_shared = |slot: &Slot| {
            left.degree.contains(slot.parameter) && right.degree.contains(slot.parameter)
        };
        let differing = a.symmetric_difference(&b).map(|(_, slot)| *slot);
        let differing = differing.filter(is_shared).collect();
        self.whole(&differing);
    }

    /// Asks that no slot of these is cut.
    pub(super) fn whole(&mut self, slots: &BTreeSet<Slot>) {
        for &slot in slots {
            self.slices.coarsen(slot, Granularity::Tensor);
        }
    }

    /// Asks that nothing is cut along some axes of a term.
    pub(super) fn whole_along(&mut self, term: &Term, axes: &[usize]) {
        for &axis in axes {
            self.whole(&term.slots(axis));
        }
    }

    pub(super) fn demand(&mut self, tensor: TensorId, form: Form, cause: Cause) {
        let demand = self.demands.len();
        self.equations.push(Equation { form, demand });
        self.demands.push(Demand {
            operation: self.operation,
            tensor,
            cause,
        });
    }
}
