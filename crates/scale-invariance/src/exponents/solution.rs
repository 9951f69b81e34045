//! Solving equations between exponents.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::One;

use super::work::{Work, size};
use super::{Form, Rational, Unknown};

/// `form = 0`, and which equation it is in the order of the network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Equation {
    pub(crate) form: Form,
    /// Whoever asked for it, in the order of the network.
    pub(crate) demand: usize,
}

/// All solutions of linear equations: some unknowns in terms of those left free.
///
/// Equations come in the order of the network, and each is solved for an unknown that few others depend on,
/// the exponent of a parameter before the degree of a tensor: the forms then stay as short as an operation has
/// inputs, and the work as long as the network, in all networks but contrived ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Solution {
    /// The unknowns that are not free, in terms of free ones, and the latest demand that made it so.
    solved: BTreeMap<Unknown, (Form, usize)>,
    /// The solved unknowns that depend on a free one.
    dependents: BTreeMap<Unknown, BTreeSet<Unknown>>,
    /// Unknowns below are exponents of parameters.
    parameters: usize,
}

impl Solution {
    /// The solutions of equations in which the unknowns below `parameters` are exponents of parameters; `None` if they
    /// take more than so much work.
    pub(crate) fn of(equations: &[Equation], parameters: usize, work: &mut Work) -> Option<Self> {
        let mut solution = Self {
            parameters,
            ..Self::default()
        };
        for equation in equations {
            solution.impose(equation, work)?;
        }
        Some(solution)
    }

    /// An unknown in terms of free ones.
    pub(crate) fn value(&self, unknown: Unknown) -> Form {
        self.solved
            .get(&unknown)
            .map_or_else(|| Form::unknown(unknown), |(form, _)| form.clone())
    }

    /// The latest demand that bears on an unknown that is not free.
    pub(crate) fn demand(&self, unknown: Unknown) -> Option<usize> {
        self.solved.get(&unknown).map(|(_, demand)| *demand)
    }

    fn impose(&mut self, equation: &Equation, work: &mut Work) -> Option<()> {
        let mut form = Form::zero();
        let mut demand = equation.demand;
        for (unknown, coefficient) in equation.form.terms() {
            if let Some(earlier) = self.demand(unknown) {
                demand = demand.max(earlier);
            }
            let value = self.value(unknown);
            work.take(form.size() + value.size() + value.len() as u64 * size(coefficient))?;
            form = form.plus(coefficient, &value);
        }
        let Some(pivot) = self.pivot(&form) else {
            return Some(());
        };
        let coefficient = form.coefficient(pivot).cloned()?;
        // pivot = −(form − coefficient · pivot)/coefficient
        let rest = form.plus(&-coefficient.clone(), &Form::unknown(pivot));
        let value = rest.times(&-(Rational::one() / coefficient));
        self.substitute(pivot, &value, demand, work)?;
        self.set(pivot, value, demand);
        Some(())
    }

    /// What to solve for: what fewest depend on, parameters before tensors, the latest of equals.
    fn pivot(&self, form: &Form) -> Option<Unknown> {
        form.terms()
            .map(|(unknown, _)| unknown)
            .min_by_key(|unknown| {
                let dependents = self.dependents.get(unknown).map_or(0, BTreeSet::len);
                let is_degree = *unknown >= self.parameters;
                (dependents, is_degree, std::cmp::Reverse(*unknown))
            })
    }

    /// Replaces a free unknown in all that depends on it.
    fn substitute(
        &mut self,
        pivot: Unknown,
        value: &Form,
        demand: usize,
        work: &mut Work,
    ) -> Option<()> {
        let whole = value.size();
        for dependent in self.dependents.remove(&pivot).unwrap_or_default() {
            let Some((form, earlier)) = self.solved.remove(&dependent) else {
                continue;
            };
            for (unknown, _) in form.terms() {
                if let Some(dependents) = self.dependents.get_mut(&unknown) {
                    dependents.remove(&dependent);
                }
            }
            let coefficient = form.coefficient(pivot).cloned().unwrap_or_default();
            work.take(2 * form.size() + whole + value.len() as u64 * size(&coefficient))?;
            let without = form.plus(&-coefficient.clone(), &Form::unknown(pivot));
            let form = without.plus(&coefficient, value);
            self.set(dependent, form, demand.max(earlier));
        }
        Some(())
    }

    fn set(&mut self, unknown: Unknown, form: Form, demand: usize) {
        for (free, _) in form.terms() {
            self.dependents.entry(free).or_default().insert(unknown);
        }
        self.solved.insert(unknown, (form, demand));
    }
}
