//! Degrees of all tensors of a network under one scaling, and what stands in its way.

use std::collections::{BTreeMap, BTreeSet};

use nn_graph::network::Network;
use num_traits::{One, Signed};

use crate::calculus::{Calculus, Cause, Offsets};
use crate::exponents::{Form, Rational, Unknown};
use crate::{Degree, Violation};

/// How the tensors of a network scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorDegrees {
    /// The degrees of each tensor, in the order of [`Network::tensors`], ascending: one, or several where something
    /// was added that scales otherwise and that a later normalisation may cancel, such as a bias. None of a tensor
    /// that is 0.
    pub tensors: Vec<Vec<Degree>>,
    /// The same as linear forms, which hold of any exponents: such as `d(bn.weight) + 2 d(conv.weight)`, with `d(…)` for
    /// the exponent of a parameter, or `k(…)` for the degree of a tensor in the place of a long form. Of what must scale
    /// alike, one stands for all.
    pub forms: Vec<Vec<String>>,
    /// What breaks the scaling, by its place in [`Network::operations`], or `None` for the network's result. What
    /// comes after it is told as if it had not been broken there.
    pub violations: BTreeMap<Option<usize>, Violation>,
}

/// The degrees of all tensors when each trained parameter `p` is multiplied by `c^{d_p}`, `exponents` being the
/// `d_p` in the order of the trained parameters; 0 for those that are not given.
///
/// By the rules of [`inspect`](crate::inspect): without a violation the scaling leaves the network's function alone.
///
/// ```
/// use nn_graph::nets::{Architecture, NetConfig};
/// use nn_graph::network::{Network, Source};
/// use scale_invariance::tensor_degrees;
///
/// let network = Network::from(&NetConfig::new(Architecture::PreResNet, 8).build()?);
/// let ones = vec![1.into(); network.parameters().filter(|&id| network.is_trainable(id)).count()];
/// let found = tensor_degrees(&network, &ones);
/// assert!(found.violations.is_empty());
/// let of_result = network.outputs()[0].index();
/// assert_eq!(found.tensors[of_result], [0.into()]);
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
#[must_use]
pub fn tensor_degrees(network: &Network, exponents: &[Degree]) -> TensorDegrees {
    let calculus = Calculus::new(network, Offsets::Carried);
    let mut exact: Vec<Rational> = exponents.iter().map(|degree| degree.exact()).collect();
    exact.resize(calculus.parameters.len(), Rational::default());
    let unknowns = calculus.unknowns(&exact);
    let mut violations = BTreeMap::new();
    if let Some(demand) = unknowns.too_long {
        violations.insert(demand.operation, Violation::too_long(network, demand));
    }
    for demand in &calculus.demands {
        if let Some(violation) = Violation::of(network, demand, &unknowns.values) {
            violations.entry(demand.operation).or_insert(violation);
        }
    }
    let degrees = |id| {
        let forms = calculus.degrees(id);
        let mut degrees: Vec<Rational> = forms
            .map(|form| form.at(|unknown| unknowns.values[unknown].clone()))
            .collect();
        degrees.sort();
        degrees.dedup();
        degrees.iter().filter_map(Degree::of).collect()
    };
    let names = Names::of(&calculus);
    let forms = |id| {
        let forms: BTreeSet<String> = calculus.degrees(id).map(|form| names.told(form)).collect();
        forms.into_iter().collect()
    };
    TensorDegrees {
        tensors: network.tensor_ids().map(degrees).collect(),
        forms: network.tensor_ids().map(forms).collect(),
        violations,
    }
}

/// What unknowns are called.
struct Names<'a> {
    calculus: &'a Calculus<'a>,
    /// The tensors whose degrees are unknowns of their own.
    tensors: BTreeMap<Unknown, &'a str>,
}

impl<'a> Names<'a> {
    fn of(calculus: &'a Calculus<'a>) -> Self {
        let named = calculus.demands.iter().filter_map(|demand| {
            let Cause::Definition(unknown) = demand.cause else {
                return None;
            };
            Some((
                unknown,
                calculus.network.tensor(demand.tensor).name.as_str(),
            ))
        });
        Self {
            calculus,
            tensors: named.collect(),
        }
    }

    fn of_unknown(&self, unknown: Unknown) -> String {
        match self.calculus.parameters.get(unknown) {
            Some(&parameter) => format!("d({})", self.calculus.network.tensor(parameter).name),
            None => format!("k({})", self.tensors.get(&unknown).unwrap_or(&"…")),
        }
    }

    fn told(&self, form: &Form) -> String {
        let mut told = String::new();
        for (unknown, coefficient) in form.terms() {
            told += match (told.is_empty(), coefficient.is_negative()) {
                (true, false) => "",
                (true, true) => "-",
                (false, false) => " + ",
                (false, true) => " - ",
            };
            let size = coefficient.abs();
            if !size.is_one() {
                told += &format!("{size} ");
            }
            told += &self.of_unknown(unknown);
        }
        if told.is_empty() {
            told.push('0');
        }
        told
    }
}
