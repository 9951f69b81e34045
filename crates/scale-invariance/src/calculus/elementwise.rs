//! Rules of operations that treat every number by itself.

use nn_graph::network::{Extents, Operation, Rule, TensorId};
use num_traits::{One, Signed};

use super::term::{Kind, Term, Value};
use super::{Calculus, Offsets};
use crate::exponents::Rational;

/// Numbers up to this that are added to a sum of squares, or to its root, are an `ε`, and taken as 0.
const LARGEST_EPSILON: f64 = 1e-2;

/// Whether a multiple of a statistic by this is one beside which an `ε` is small, as a mean is a multiple of a sum.
fn is_moderate(number: f64) -> bool {
    (1e-6..=1e6).contains(&number)
}

impl Calculus<'_> {
    /// `Add` and `Subtract`.
    pub(super) fn sum(&mut self, operation: &Operation) -> Value {
        let (left, right) = (operation.inputs[0], operation.inputs[1]);
        for (statistic, epsilon) in [(left, right), (right, left)] {
            if operation.rule == Rule::Add
                && self.is_statistic(statistic)
                && self.is_epsilon(epsilon)
            {
                return self.as_statistic(statistic, operation.output);
            }
        }
        if operation.rule == Rule::Subtract
            && let Kind::MeanOf { tensor, axes } = &self.value(right).kind
            && *tensor == left.index()
        {
            let axes = axes.clone();
            return self.centred(left, &axes);
        }
        let mut terms = self.broadcast(left, operation.output);
        terms.extend(self.broadcast(right, operation.output));
        // What is constant along no axis nothing can cancel.
        let (mut carried, varying): (Vec<Term>, Vec<Term>) = match self.offsets {
            Offsets::Carried => terms
                .into_iter()
                .partition(|term| !term.constant.is_empty()),
            Offsets::Joined => (Vec::new(), terms),
        };
        carried.extend(self.joined(operation.output, &varying));
        Value {
            terms: carried,
            kind: Kind::Any,
        }
    }

    /// `x − mean(x)`: what is constant along the axes of the mean is gone. That nothing is cut along them the mean has asked.
    fn centred(&mut self, x: TensorId, axes: &[usize]) -> Value {
        let mut terms = self.terms(x);
        terms.retain(|term| !term.is_constant_along(axes));
        Value {
            terms,
            kind: Kind::Any,
        }
    }

    /// `Multiply` and `Divide`.
    pub(super) fn product(&mut self, operation: &Operation) -> Value {
        let (left, right) = (operation.inputs[0], operation.inputs[1]);
        let divides = operation.rule == Rule::Divide;
        let mut of_left = self.broadcast(left, operation.output);
        let mut of_right = self.broadcast(right, operation.output);
        if divides && of_right.is_empty() {
            // Of what is divided by 0 the sign is left: how its terms weigh against each other.
            of_right.push(Term::unscaled());
        }
        if left == right || divides || of_right.len() > 1 && of_left.len() > 1 {
            of_right = self.joined(right, &of_right).into_iter().collect();
        }
        if left == right {
            of_left = of_right.clone();
        }
        let factor = if divides {
            -Rational::one()
        } else {
            Rational::one()
        };
        let mut terms = Vec::new();
        for a in &of_left {
            for b in &of_right {
                let mut term = self.product_of(a, &factor, b);
                term.constant = &a.constant & &b.constant;
                terms.push(term);
            }
        }
        let kind = match (&self.value(left).kind, &self.value(right).kind) {
            _ if left == right && !divides => Kind::Square,
            // Of a negative or a tiny one an ε would not be a small part; nor of the inverse.
            (Kind::Statistic, Kind::Uniform(number)) if is_moderate(*number) => Kind::Statistic,
            (Kind::Uniform(number), Kind::Statistic) if !divides && is_moderate(*number) => {
                Kind::Statistic
            }
            _ => Kind::Any,
        };
        Value { terms, kind }
    }

    /// `a · b^factor` in degrees and slices; the caller knows what is constant.
    pub(super) fn product_of(&mut self, a: &Term, factor: &Rational, b: &Term) -> Term {
        self.cut_alike(a, b);
        let mut term = a.clone();
        for slice in &b.slices {
            if !term.slices.contains(slice) {
                term.slices.push(*slice);
            }
        }
        term.degree = a.degree.plus(factor, &b.degree);
        let degree = &term.degree;
        term.slices
            .retain(|(_, slot)| degree.contains(slot.parameter));
        term
    }

    /// `x^exponent`.
    pub(super) fn power(&mut self, x: TensorId, exponent: Rational) -> Value {
        let kind = match &self.value(x).kind {
            // Of its inverse not: see `product`.
            Kind::Statistic if exponent.is_positive() => Kind::Statistic,
            Kind::Any | Kind::MeanOf { .. } if exponent == Rational::from_integer(2.into()) => {
                Kind::Square
            }
            _ => Kind::Any,
        };
        let Some(mut term) = self.single(x) else {
            // 0 to a power that is not positive is infinite, which is no 0 in a product.
            return match exponent.is_positive() {
                true => Value::zero(),
                false => Value::of(Term::unscaled()),
            };
        };
        term.degree = term.degree.times(&exponent);
        Value::of(term).with(kind)
    }

    /// `f(c x, c y, …) = c f(x, y, …)`.
    pub(super) fn homogeneous(&mut self, inputs: &[TensorId], output: TensorId) -> Value {
        if let [statistic, rest @ ..] = inputs
            && self.is_statistic(*statistic)
            && rest.iter().all(|&epsilon| self.is_epsilon(epsilon))
        {
            return self.as_statistic(*statistic, output);
        }
        self.alike(inputs, output)
    }

    /// What scales as all terms of all inputs, which must scale alike.
    fn alike(&mut self, inputs: &[TensorId], output: TensorId) -> Value {
        if let [x] = *inputs
            && self.extents(x) == self.extents(output)
        {
            // It is 0 where the input is.
            let terms = self.value(x).terms.clone();
            return Value {
                terms: self.joined_where_they_meet(output, terms),
                kind: Kind::Any,
            };
        }
        let mut terms = Vec::new();
        for &input in inputs {
            // Among others infinity scales as they do: what is masked before a softmax.
            if matches!(self.value(input).kind, Kind::Uniform(number) if number.is_infinite()) {
                continue;
            }
            terms.extend(self.broadcast(input, output));
        }
        self.joined(output, &terms)
            .map_or_else(Value::zero, Value::of)
    }

    /// As [`homogeneous`](Self::homogeneous) in all inputs but the first. Where that one varies, so does the result,
    /// however constant the others are.
    pub(super) fn gate(&mut self, operation: &Operation) -> Value {
        let (gate, others) = (operation.inputs[0], &operation.inputs[1..]);
        self.all_unscaled(&[gate]);
        let gate = self.broadcast(gate, operation.output);
        let mut value = self.alike(others, operation.output);
        for term in &mut value.terms {
            for gate in &gate {
                term.constant = &term.constant & &gate.constant;
            }
        }
        value
    }

    /// A statistic whose `ε` is taken as 0.
    fn as_statistic(&mut self, statistic: TensorId, output: TensorId) -> Value {
        let terms = self.broadcast(statistic, output);
        Value {
            terms,
            kind: Kind::Statistic,
        }
    }

    fn is_statistic(&self, tensor: TensorId) -> bool {
        let value = self.value(tensor);
        value.kind == Kind::Statistic && !value.terms.is_empty()
    }

    fn is_epsilon(&self, tensor: TensorId) -> bool {
        matches!(self.value(tensor).kind, Kind::Uniform(number) if (0.0..=LARGEST_EPSILON).contains(&number))
    }

    /// The terms of a tensor as they are in a result with which it broadcasts.
    pub(super) fn broadcast(&mut self, from: TensorId, to: TensorId) -> Vec<Term> {
        let terms = self.terms(from);
        let (Some(inner), Some(outer)) = (self.extents(from), self.extents(to)) else {
            return terms.into_iter().map(|term| self.unplaced(term)).collect();
        };
        let Some(shift) = outer.len().checked_sub(inner.len()) else {
            return terms.into_iter().map(|term| self.unplaced(term)).collect();
        };
        let spread = spread(inner, outer, shift);
        let placed = |mut term: Term| {
            term.constant = term.constant.iter().map(|axis| axis + shift).collect();
            term.constant.extend(&spread);
            for (axis, _) in &mut term.slices {
                *axis += shift;
            }
            term
        };
        terms.into_iter().map(placed).collect()
    }

    /// A term in a tensor whose axes are not known.
    pub(super) fn unplaced(&mut self, mut term: Term) -> Term {
        let slots = term.slices.iter().map(|(_, slot)| *slot).collect();
        self.whole(&slots);
        term.slices.clear();
        term.constant.clear();
        term
    }
}

/// The axes of a result along which an operand is repeated.
fn spread(inner: &Extents, outer: &Extents, shift: usize) -> Vec<usize> {
    let repeated = |axis: &usize| {
        axis.checked_sub(shift)
            .is_none_or(|own| inner[own] == Some(1) && outer[*axis] != Some(1))
    };
    (0..outer.len()).filter(repeated).collect()
}
