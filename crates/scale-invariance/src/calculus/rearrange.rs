//! Rules of operations that move numbers.

use nn_graph::network::{AxisSource, TensorId};

use super::slices::Granularity;
use super::term::{Part, Term, Value};
use super::{Calculus, Kind, Offsets};

impl Calculus<'_> {
    pub(super) fn rearrange(
        &mut self,
        sources: &[AxisSource],
        x: TensorId,
        output: TensorId,
    ) -> Value {
        let terms = self.terms(x);
        let is_padded = sources.iter().any(|s| matches!(s, AxisSource::Padded(_)));
        let kind = match &self.value(x).kind {
            Kind::Square => Kind::Square,
            // With zeros among the numbers neither is one number, nor is an ε small beside all.
            kind @ (Kind::Statistic | Kind::Uniform(_)) if !is_padded => kind.clone(),
            _ => Kind::Any,
        };
        let terms = terms
            .iter()
            .map(|term| self.rearranged(sources, term, x, output))
            .collect();
        Value { terms, kind }
    }

    fn rearranged(
        &mut self,
        sources: &[AxisSource],
        term: &Term,
        x: TensorId,
        output: TensorId,
    ) -> Term {
        let mut moved = Term {
            degree: term.degree.clone(),
            ..Term::unscaled()
        };
        let mut kept = Vec::new();
        for (place, source) in sources.iter().enumerate() {
            let is_constant = match source {
                AxisSource::Padded(_) => false,
                _ => term.is_constant_along(source.axes()),
            };
            if is_constant {
                moved.constant.insert(place);
            }
            // The input's axis whose slices are those of this one, and in how many groups.
            let (axis, groups) = match source {
                AxisSource::Whole(axis) => (*axis, None),
                AxisSource::Outer(axis) => (*axis, self.length(output, place)),
                AxisSource::Merged(axes) => match axes.first() {
                    Some(&outer) => (outer, self.length(x, outer)),
                    None => continue,
                },
                _ => continue,
            };
            let is_regrouped = !matches!(source, AxisSource::Whole(_));
            for slot in term.slots(axis) {
                match (is_regrouped, groups) {
                    (false, _) => kept.push((place, slot)),
                    (true, Some(groups)) => {
                        self.slices.coarsen(slot, Granularity::Group { groups });
                        kept.push((place, slot));
                    }
                    (true, None) => {}
                }
            }
        }
        // What has no place any more cannot be followed.
        let lost = term.slices.iter().map(|(_, slot)| *slot);
        let lost = lost
            .filter(|slot| !kept.iter().any(|(_, kept)| kept == slot))
            .collect();
        self.whole(&lost);
        moved.slices = kept;
        moved
    }

    /// Length of an axis, where it is known.
    pub(super) fn length(&self, tensor: TensorId, axis: usize) -> Option<usize> {
        self.extents(tensor)?.get(axis).copied().flatten()
    }

    /// A term of each input is one of the result, and 0 outside its part.
    pub(super) fn concat(&mut self, axis: usize, inputs: &[TensorId], output: TensorId) -> Value {
        let parts = self.parts(axis, inputs);
        let mut terms = Vec::new();
        for (place, &input) in inputs.iter().enumerate() {
            for mut term in self.value(input).terms.clone() {
                if term.part.is_some_and(|part| part.axis != axis) {
                    term = self.without_part(term);
                }
                term.constant.remove(&axis);
                let Some(own) = parts.get(place).copied() else {
                    term = self.without_part(term);
                    self.whole_along(&term, &[axis]);
                    term.slices.retain(|(along, _)| *along != axis);
                    terms.push(term);
                    continue;
                };
                term.part = Some(term.part.map_or(own, |inner| Part {
                    from: own.from + inner.from,
                    to: own.from + inner.to,
                    ..own
                }));
                terms.push(term);
            }
        }
        if parts.is_empty() {
            terms = self.joined(output, &terms).into_iter().collect();
        }
        Value {
            terms,
            kind: Kind::Any,
        }
    }

    /// Where the inputs of a concatenation lie; none if they are not to be told apart.
    fn parts(&self, axis: usize, inputs: &[TensorId]) -> Vec<Part> {
        if self.offsets == Offsets::Joined {
            return Vec::new();
        }
        let mut from: usize = 0;
        let part = |&input: &TensorId| {
            let to = from.checked_add(self.length(input, axis)?)?;
            let part = Part {
                axis,
                from,
                to,
                operation: self.operation,
            };
            from = to;
            Some(part)
        };
        let parts: Option<Vec<Part>> = inputs.iter().map(part).collect();
        parts.unwrap_or_default()
    }
}
