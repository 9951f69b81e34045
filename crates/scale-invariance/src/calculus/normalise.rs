//! Rules of operations that look at many positions: normalisation, softmax, reductions, windows.

use nn_graph::network::{Grouped, Normalise, Reduce, Reduction, TensorId, Window};

use super::Calculus;
use super::slices::Granularity;
use super::term::{Kind, Term, Value};
use crate::exponents::Rational;

impl Calculus<'_> {
    /// Cancels what is constant where the mean is taken; the rest must scale alike, and then does not show.
    pub(super) fn normalise(&mut self, normalise: &Normalise, x: TensorId) -> Value {
        let mut axes = normalise.axes.clone();
        // A group for each position is no grouping.
        let is_grouping = |grouped: &Grouped| self.length(x, grouped.axis) != Some(grouped.groups);
        let grouped = normalise.grouped.filter(is_grouping);
        axes.extend(grouped.map(|grouped| grouped.axis));
        let mut terms = self.terms_apart_along(x, &axes);
        if normalise.centres {
            terms.retain(|term| !term.is_constant_along(&axes));
        }
        for term in &terms {
            self.whole_along(term, &normalise.axes);
            if let Some(grouped) = grouped {
                let groups = grouped.groups;
                for slot in term.slots(grouped.axis) {
                    self.slices.coarsen(slot, Granularity::Group { groups });
                }
            }
        }
        match self.joined_where_they_meet(x, terms).is_empty() {
            true => Value::zero(),
            false => Value::of(Term::unscaled()),
        }
    }

    /// The terms of a tensor, told where they are 0 if that is along none of these axes.
    fn terms_apart_along(&mut self, x: TensorId, axes: &[usize]) -> Vec<Term> {
        let mut parts = self.value(x).terms.iter().filter_map(|term| term.part);
        match parts.any(|part| axes.contains(&part.axis)) {
            true => self.terms(x),
            false => self.value(x).terms.clone(),
        }
    }

    /// Does not see what is constant along its axis; the rest must not scale.
    pub(super) fn softmax(&mut self, x: TensorId, axis: usize) -> Value {
        for term in self.value(x).terms.clone() {
            if !term.is_constant_along(&[axis]) {
                self.unscaled(x, &term);
            }
        }
        Value::of(Term::unscaled())
    }

    pub(super) fn reduce(&mut self, reduce: &Reduce, x: TensorId) -> Value {
        let rank = self.extents(x).map(Vec::len);
        let mut axes = reduce.axes.clone();
        axes.sort_unstable();
        let is_linear = matches!(reduce.by, Reduction::Mean | Reduction::Sum);
        let terms = if is_linear {
            self.terms(x)
        } else {
            self.single(x).into_iter().collect()
        };
        let kind = match (&self.value(x).kind, reduce.by) {
            (_, Reduction::SumOfSquares | Reduction::Norm) => Kind::Statistic,
            (Kind::Square | Kind::Statistic, Reduction::Mean | Reduction::Sum) => Kind::Statistic,
            (_, Reduction::Mean) if reduce.keeps_axes => Kind::MeanOf {
                tensor: x.index(),
                axes: axes.clone(),
            },
            _ => Kind::Any,
        };
        let power = match reduce.by {
            Reduction::SumOfSquares => 2,
            _ => 1,
        };
        let placed = |term: &Term| {
            let mut reduced = match rank {
                Some(rank) => self.reduced(term, reduce, &axes, rank),
                None => self.unplaced(term.clone()),
            };
            reduced.degree = term.degree.times(&Rational::from_integer(power.into()));
            reduced
        };
        let terms = terms.iter().map(placed).collect();
        Value { terms, kind }
    }

    /// The term with its axes where they are after the reduction.
    fn reduced(&mut self, term: &Term, reduce: &Reduce, axes: &[usize], rank: usize) -> Term {
        self.whole_along(term, axes);
        // Where each axis goes; those that are reduced and stay are of length 1.
        let mut place = vec![None; rank];
        let mut next = 0;
        let mut left = Term::unscaled();
        for (axis, place) in place.iter_mut().enumerate() {
            let is_reduced = axes.contains(&axis);
            if is_reduced && reduce.keeps_axes {
                left.constant.insert(next);
                next += 1;
            } else if !is_reduced {
                *place = Some(next);
                next += 1;
            }
        }
        let moved = |axis: &usize| place.get(*axis).copied().flatten();
        left.constant.extend(term.constant.iter().filter_map(moved));
        let slices = term.slices.iter();
        left.slices = slices
            .filter_map(|(axis, slot)| Some((moved(axis)?, *slot)))
            .collect();
        left
    }

    pub(super) fn window(&mut self, window: &Window, x: TensorId) -> Value {
        let all = self.terms_apart_along(x, &window.axes);
        for term in &all {
            self.whole_along(term, &window.axes);
        }
        // A maximum moves with what is constant along its axes, and joins what is not.
        let passes = |term: &Term| window.keeps_constants && term.is_constant_along(&window.axes);
        let (passing, mut seen): (Vec<Term>, Vec<Term>) = all.into_iter().partition(passes);
        if !window.linear {
            seen = self.joined_where_they_meet(x, seen);
        }
        for term in &mut seen {
            term.constant.retain(|axis| !window.axes.contains(axis));
        }
        seen.extend(passing);
        Value {
            terms: seen,
            kind: Kind::Any,
        }
    }
}
