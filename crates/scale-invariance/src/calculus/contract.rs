//! Contractions: convolution, linear layers, matrix products.

use std::collections::BTreeSet;

use nn_graph::network::{Contract, ContractAxis, Operation};
use num_traits::One;

use super::slices::Granularity;
use super::term::{Term, Value};
use super::{Calculus, Slot};
use crate::exponents::Rational;

/// Most pairs of terms that are multiplied one by one.
const MOST_PRODUCTS: usize = 16;

impl Calculus<'_> {
    /// Each term of the left input with each of the right.
    pub(super) fn contract(&mut self, contract: &Contract, operation: &Operation) -> Value {
        let (left, right) = (operation.inputs[0], operation.inputs[1]);
        let mut of_left = self.terms(left);
        let mut of_right = self.terms(right);
        if of_left.len() > 1 && of_right.len() > 1 && of_left.len() * of_right.len() > MOST_PRODUCTS
        {
            of_left = self.joined(left, &of_left).into_iter().collect();
            of_right = self.joined(right, &of_right).into_iter().collect();
        }
        for axis in &contract.output {
            // What is summed over is mixed. Every position of the right axis makes one of the result by itself.
            if let ContractAxis::Grouped { groups, left, .. } = *axis {
                for slot in of_left.iter().flat_map(|term| term.slots(left)) {
                    self.slices.coarsen(slot, Granularity::Group { groups });
                }
            }
        }
        let mut terms = Vec::new();
        for a in &of_left {
            for b in &of_right {
                terms.push(self.contracted(contract, a, b));
            }
        }
        Value {
            terms,
            kind: super::Kind::Any,
        }
    }

    fn contracted(&mut self, contract: &Contract, a: &Term, b: &Term) -> Term {
        self.whole_along(a, &contract.left);
        self.whole_along(b, &contract.right);
        let mut constant = BTreeSet::new();
        let mut slices: [Vec<(usize, Slot)>; 2] = Default::default();
        for (place, axis) in contract.output.iter().enumerate() {
            let mut take = |side: usize, term: &Term, axis: usize| {
                slices[side].extend(term.slots(axis).into_iter().map(|slot| (place, slot)));
                term.constant.contains(&axis)
            };
            let is_constant = match *axis {
                ContractAxis::Left(left) => take(0, a, left),
                ContractAxis::Right(right) => take(1, b, right),
                ContractAxis::Both { left, right } | ContractAxis::Grouped { left, right, .. } => {
                    let of_left = take(0, a, left);
                    take(1, b, right) && of_left
                }
                ContractAxis::Window {
                    left,
                    keeps_constants,
                } => {
                    self.whole(&a.slots(left));
                    keeps_constants && a.constant.contains(&left)
                }
            };
            if is_constant {
                constant.insert(place);
            }
        }
        let [of_a, of_b] = slices;
        let placed = |term: &Term, slices| Term {
            slices,
            ..term.clone()
        };
        let mut term = self.product_of(&placed(a, of_a), &Rational::one(), &placed(b, of_b));
        term.constant = constant;
        term
    }
}
