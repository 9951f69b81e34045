//! Networks built rule by rule.

use nn_graph::network::{
    Constant, Contract, ContractAxis, Extents, NetworkBuilder, Normalise, Reduce, Reduction, Rule,
    TensorId,
};
use scale_invariance::{Inspection, Invariance, ParameterInvariance, inspect};

/// Features `[batch, features]` or images `[batch, channels, 8, 8]`.
pub(crate) struct Net {
    pub(crate) net: NetworkBuilder,
    pub(crate) x: TensorId,
}

pub(crate) fn known(lengths: &[usize]) -> Option<Extents> {
    Some(lengths.iter().copied().map(Some).collect())
}

impl Net {
    pub(crate) fn features(count: usize) -> Self {
        let mut net = NetworkBuilder::new();
        let x = net.input("x", Some(vec![None, Some(count)]));
        Self { net, x }
    }

    pub(crate) fn extents(&self, x: TensorId) -> Extents {
        self.net.extents(x).unwrap().clone()
    }

    pub(crate) fn push(
        &mut self,
        layer: &str,
        rule: Rule,
        inputs: &[TensorId],
        extents: Extents,
    ) -> TensorId {
        let kind = format!("{rule:?}");
        let kind = kind.split([' ', '(']).next().unwrap().to_owned();
        let result = self
            .net
            .operation(layer, &kind, rule, inputs, Some(extents));
        result.unwrap()
    }

    /// Elementwise, of one input.
    pub(crate) fn map(&mut self, layer: &str, rule: Rule) {
        let extents = self.extents(self.x);
        self.x = self.push(layer, rule, &[self.x], extents);
    }

    pub(crate) fn add(&mut self, layer: &str, other: TensorId) {
        let extents = self.extents(self.x);
        self.x = self.push(layer, Rule::Add, &[self.x, other], extents);
    }

    pub(crate) fn parameter(&mut self, name: &str, lengths: &[usize]) -> TensorId {
        self.net.parameter(name, known(lengths), true)
    }

    /// A number that is part of the network.
    pub(crate) fn number(&mut self, number: f64) -> TensorId {
        let constant = Constant::Uniform(number);
        self.net.constant("number", Some(vec![]), constant)
    }

    /// Of features, `[batch, 1]`.
    pub(crate) fn reduced(&mut self, layer: &str, by: Reduction) -> TensorId {
        let reduce = Rule::Reduce(Reduce {
            axes: vec![1],
            keeps_axes: true,
            by,
        });
        self.push(layer, reduce, &[self.x], vec![None, Some(1)])
    }

    /// `x Wᵀ`, with `W` of the layer's name.
    pub(crate) fn linear(&mut self, layer: &str, out: usize) {
        let mut extents = self.extents(self.x);
        let last = extents.len() - 1;
        let weight = self.parameter(layer, &[out, extents[last].unwrap()]);
        extents[last] = Some(out);
        let mut output: Vec<ContractAxis> = (0..last).map(ContractAxis::Left).collect();
        output.push(ContractAxis::Right(0));
        let contract = Contract {
            output,
            left: vec![last],
            right: vec![1],
        };
        self.x = self.push(layer, Rule::Contract(contract), &[self.x, weight], extents);
    }

    pub(crate) fn bias(&mut self, name: &str) {
        let last = self.extents(self.x).last().copied().flatten().unwrap();
        let bias = self.parameter(name, &[last]);
        self.add(name, bias);
    }

    pub(crate) fn norm(&mut self, layer: &str, axes: &[usize]) {
        let normalise = Normalise {
            axes: axes.to_vec(),
            grouped: None,
            centres: true,
        };
        self.map(layer, Rule::Normalise(normalise));
    }

    pub(crate) fn inspect(self) -> Inspection {
        inspect(&self.net.finish(vec![self.x]).unwrap())
    }
}

pub(crate) fn find<'a>(found: &'a Inspection, name: &str) -> &'a ParameterInvariance {
    let mut parameters = found.parameters.iter();
    parameters.find(|parameter| parameter.name == name).unwrap()
}

pub(crate) fn invariances(found: &Inspection) -> Vec<Invariance> {
    let parameters = found.parameters.iter();
    parameters.map(|parameter| parameter.invariance).collect()
}
