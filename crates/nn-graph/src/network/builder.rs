//! Building a network operation by operation.

use super::{
    AxisSource, Constant, Contract, ContractAxis, Extents, Network, Operation, Rule, Source,
    Tensor, TensorId,
};
use crate::GraphError;

/// Adds tensors and operations one after the other; an importer knows the shapes and gives them.
///
/// ```
/// use nn_graph::network::{Contract, ContractAxis, NetworkBuilder, Normalise, Rule};
///
/// // Features [batch, 8], a linear layer without bias, normalisation of each row.
/// let mut net = NetworkBuilder::new();
/// let x = net.input("x", Some(vec![None, Some(8)]));
/// let weight = net.parameter("linear.weight", Some(vec![Some(4), Some(8)]), true);
/// let product = Contract {
///     output: vec![ContractAxis::Left(0), ContractAxis::Right(0)],
///     left: vec![1],
///     right: vec![1],
/// };
/// let extents = Some(vec![None, Some(4)]);
/// let y = net.operation("linear", "Gemm", Rule::Contract(product), &[x, weight], extents.clone())?;
/// let rule = Rule::Normalise(Normalise { axes: vec![1], grouped: None, centres: true });
/// let y = net.operation("norm", "LayerNormalization", rule, &[y], extents)?;
/// let net = net.finish(vec![y])?;
/// assert_eq!((net.operations().len(), net.parameters().count()), (2, 1));
/// # Ok::<(), nn_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NetworkBuilder {
    tensors: Vec<Tensor>,
    operations: Vec<Operation>,
}

impl NetworkBuilder {
    /// An empty network.
    pub fn new() -> Self {
        Self::default()
    }

    /// Data that the network reads.
    pub fn input(&mut self, name: &str, extents: Option<Extents>) -> TensorId {
        self.push(name.into(), extents, Source::Input)
    }

    /// Weights.
    pub fn parameter(&mut self, name: &str, extents: Option<Extents>, trainable: bool) -> TensorId {
        self.push(name.into(), extents, Source::Parameter { trainable })
    }

    /// Numbers that are no weights.
    pub fn constant(
        &mut self,
        name: &str,
        extents: Option<Extents>,
        constant: Constant,
    ) -> TensorId {
        self.push(name.into(), extents, Source::Constant(constant))
    }

    /// The shape of a tensor built so far; `None` where the rank is not known, or for an id of another network.
    pub fn extents(&self, id: TensorId) -> Option<&Extents> {
        self.tensors.get(id.0)?.extents.as_ref()
    }

    /// The result of an operation of a layer; the result bears the layer's name.
    ///
    /// # Errors
    /// [`GraphError::UnknownInput`]; [`GraphError::Contradiction`] if the rule reads another number of inputs, or
    /// names an axis that there is not.
    pub fn operation(
        &mut self,
        layer: &str,
        kind: &str,
        rule: Rule,
        inputs: &[TensorId],
        extents: Option<Extents>,
    ) -> Result<TensorId, GraphError> {
        for input in inputs {
            self.exists(layer, *input)?;
        }
        let ranks: Vec<Option<usize>> = inputs
            .iter()
            .map(|&id| self.extents(id).map(Vec::len))
            .collect();
        let result = extents.as_ref().map(Vec::len);
        let wrong = |what: String| GraphError::Contradiction(format!("`{layer}` ({kind}) {what}"));
        check_arity(&rule, inputs.len()).map_err(wrong)?;
        check_axes(&rule, &ranks, result).map_err(wrong)?;
        Ok(self.push_operation(layer, kind, rule, inputs, extents))
    }

    /// As [`operation`](Self::operation), of what is valid by construction.
    pub(super) fn push_operation(
        &mut self,
        layer: &str,
        kind: &str,
        rule: Rule,
        inputs: &[TensorId],
        extents: Option<Extents>,
    ) -> TensorId {
        let source = Source::Operation(self.operations.len());
        let output = self.push(layer.into(), extents, source);
        self.operations.push(Operation {
            layer: layer.into(),
            kind: kind.into(),
            rule,
            inputs: inputs.to_vec(),
            output,
        });
        output
    }

    /// The finished network with these results.
    ///
    /// # Errors
    /// [`GraphError::UnknownInput`] for an id of another network.
    pub fn finish(self, outputs: Vec<TensorId>) -> Result<Network, GraphError> {
        for &output in &outputs {
            self.exists("the network's result", output)?;
        }
        Ok(self.finish_valid(outputs))
    }

    pub(super) fn finish_valid(self, outputs: Vec<TensorId>) -> Network {
        Network {
            tensors: self.tensors,
            operations: self.operations,
            outputs,
        }
    }

    fn push(&mut self, name: String, extents: Option<Extents>, source: Source) -> TensorId {
        self.tensors.push(Tensor {
            name,
            extents,
            source,
        });
        TensorId(self.tensors.len() - 1)
    }

    fn exists(&self, reader: &str, id: TensorId) -> Result<(), GraphError> {
        if id.0 < self.tensors.len() {
            return Ok(());
        }
        Err(GraphError::UnknownInput {
            node: reader.into(),
            input: id.0,
            count: self.tensors.len(),
        })
    }
}

fn check_arity(rule: &Rule, inputs: usize) -> Result<(), String> {
    let (least, most) = match rule {
        Rule::Contract(_) | Rule::Multiply | Rule::Divide | Rule::Add | Rule::Subtract => (2, 2),
        Rule::Power { .. }
        | Rule::Copy
        | Rule::Linear
        | Rule::Softmax { .. }
        | Rule::Normalise(_)
        | Rule::Reduce(_)
        | Rule::Window(_) => (1, 1),
        Rule::Homogeneous | Rule::Rearrange(_) | Rule::Concat { .. } => (1, usize::MAX),
        Rule::Gate => (2, usize::MAX),
        Rule::Nonlinear | Rule::Insensitive | Rule::Unknown => (0, usize::MAX),
    };
    if (least..=most).contains(&inputs) {
        return Ok(());
    }
    Err(format!("reads {inputs} tensors; its rule needs {least}"))
}

/// Checks every axis that a rule names, of inputs and of the result, where the rank is known.
fn check_axes(rule: &Rule, ranks: &[Option<usize>], result: Option<usize>) -> Result<(), String> {
    let check = |rank: Option<usize>, axis: usize| match rank {
        Some(rank) if axis >= rank => Err(format!("names axis {axis} of a tensor of {rank} axes")),
        _ => Ok(()),
    };
    let of = |input: usize| ranks.get(input).copied().flatten();
    let all = |axes: &[usize]| axes.iter().try_for_each(|&axis| check(of(0), axis));
    let length = |axes: usize| match result {
        Some(rank) if rank != axes => Err(format!(
            "makes a tensor of {rank} axes where its rule makes {axes}"
        )),
        _ => Ok(()),
    };
    match rule {
        Rule::Contract(contract) => {
            length(contract.output.len())?;
            check_contract(
                contract,
                |axis| check(of(0), axis),
                |axis| check(of(1), axis),
            )
        }
        Rule::Softmax { axis } => check(of(0), *axis),
        Rule::Concat { axis } => check(result, *axis),
        Rule::Normalise(normalise) => {
            all(&normalise.axes)?;
            normalise
                .grouped
                .map_or(Ok(()), |grouped| match grouped.groups {
                    0 => Err("has 0 groups".into()),
                    _ => check(of(0), grouped.axis),
                })
        }
        Rule::Reduce(reduce) => all(&reduce.axes),
        Rule::Window(window) => all(&window.axes),
        Rule::Rearrange(sources) => {
            length(sources.len())?;
            sources.iter().try_for_each(|source| all(source.axes()))
        }
        Rule::Power { denominator, .. } if *denominator <= 0 => {
            Err(format!("has a power with the denominator {denominator}"))
        }
        _ => Ok(()),
    }
}

fn check_contract(
    contract: &Contract,
    left: impl Fn(usize) -> Result<(), String>,
    right: impl Fn(usize) -> Result<(), String>,
) -> Result<(), String> {
    contract.left.iter().try_for_each(|&axis| left(axis))?;
    contract.right.iter().try_for_each(|&axis| right(axis))?;
    contract.output.iter().try_for_each(|axis| match *axis {
        ContractAxis::Left(axis) | ContractAxis::Window { left: axis, .. } => left(axis),
        ContractAxis::Right(axis) => right(axis),
        ContractAxis::Both { left: l, right: r } => left(l).and_then(|()| right(r)),
        ContractAxis::Grouped { groups: 0, .. } => Err("has 0 groups".into()),
        ContractAxis::Grouped {
            left: l, right: r, ..
        } => left(l).and_then(|()| right(r)),
    })
}

impl AxisSource {
    /// The axes of the input that this one is made of.
    pub fn axes(&self) -> &[usize] {
        match self {
            Self::Whole(axis)
            | Self::Part(axis)
            | Self::Padded(axis)
            | Self::Outer(axis)
            | Self::Inner(axis) => std::slice::from_ref(axis),
            Self::New => &[],
            Self::Merged(axes) | Self::Mixed(axes) => axes,
        }
    }
}
