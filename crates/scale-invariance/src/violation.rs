use nn_graph::network::{Network, Operation, Rule, Source, TensorId};

use crate::Degree;
use crate::calculus::{Cause, Demand};
use crate::exponents::{Form, Rational};

/// Why the rules cannot show that a scaling leaves the network's function as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Two tensors that respond differently to the scaling are added, joined or compared.
    #[error("`{node}` ({kind}) joins tensors of degree {left} and {right}; they must be equal")]
    UnequalDegrees {
        /// Name of the layer.
        node: String,
        /// What it is called.
        kind: String,
        /// Degree of one.
        left: Degree,
        /// Degree of the other.
        right: Degree,
    },
    /// A bias or shift does not scale as what it is added to.
    #[error(
        "`{node}` adds `{parameter}`, of degree {parameter_degree}, to values of degree {degree}; they must be equal"
    )]
    UnequalOffset {
        /// Name of the layer.
        node: String,
        /// Name of the bias or shift.
        parameter: String,
        /// Exponent of the bias or shift.
        parameter_degree: Degree,
        /// Degree of the values it is added to.
        degree: Degree,
    },
    /// An operation changes with the size of what it reads.
    #[error("`{node}` ({kind}) reads a tensor of degree {degree}, and is nonlinear; it must be 0")]
    Nonlinear {
        /// Name of the layer.
        node: String,
        /// What it is called.
        kind: String,
        /// Degree of what it reads.
        degree: Degree,
    },
    /// An operation without a rule.
    #[error(
        "`{node}` ({kind}) reads a tensor of degree {degree}, and no rule is known for it; it must be 0"
    )]
    UnknownOperation {
        /// Name of the layer.
        node: String,
        /// What it is called.
        kind: String,
        /// Degree of what it reads.
        degree: Degree,
    },
    /// The network's result changes with the scaling.
    #[error(
        "the network's result `{node}` has degree {degree}, with no normalisation after the scaled weights; it must be 0"
    )]
    Output {
        /// Name of the last layer.
        node: String,
        /// Its degree.
        degree: Degree,
    },
    /// The number of exponents is not the number of parameters.
    #[error("{given} exponents were given for a network of {parameters} parameters")]
    ExponentCount {
        /// Exponents given.
        given: usize,
        /// Parameters of the network.
        parameters: usize,
    },
    /// A parameter that is not trained cannot follow a scaling.
    #[error("`{parameter}` is not trained, so its exponent must be 0, not {exponent}")]
    FixedParameter {
        /// Name of the parameter.
        parameter: String,
        /// Exponent given.
        exponent: i32,
    },
    /// A degree outside the range of its type, or a fraction where whole numbers are needed.
    #[error("the degree of `{node}` is {degree}, which is not a whole number of 32 bits")]
    NotWhole {
        /// Name of the layer.
        node: String,
        /// Its degree.
        degree: String,
    },
}

impl Violation {
    /// The name of the layer at which the rules fail; `None` where the exponents themselves are wrong.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::UnequalDegrees { node, .. }
            | Self::UnequalOffset { node, .. }
            | Self::Nonlinear { node, .. }
            | Self::UnknownOperation { node, .. }
            | Self::Output { node, .. }
            | Self::NotWhole { node, .. } => Some(node),
            Self::ExponentCount { .. } | Self::FixedParameter { .. } => None,
        }
    }

    /// That a degree has more digits than are told.
    pub(crate) fn too_long(network: &Network, demand: &Demand) -> Self {
        Self::NotWhole {
            node: network.tensor(demand.tensor).name.clone(),
            degree: "a number of hundreds of digits".into(),
        }
    }

    /// What a demand says that the values of the unknowns do not meet; `None` if they do.
    pub(crate) fn of(network: &Network, demand: &Demand, unknowns: &[Rational]) -> Option<Self> {
        let at = |form: &Form| form.at(|unknown| unknowns[unknown].clone());
        let (left, right) = match &demand.cause {
            Cause::Definition(_) => return None,
            Cause::Equal { left, right } => (at(left), at(right)),
            Cause::Unscaled(form) => (at(form), Rational::default()),
        };
        if left == right {
            return None;
        }
        let operation = demand.operation.map(|place| &network.operations()[place]);
        let told = Degree::of(&left).zip(Degree::of(&right));
        let Some((left, right)) = told else {
            return Some(Self::NotWhole {
                node: network.tensor(demand.tensor).name.clone(),
                degree: left.to_string(),
            });
        };
        let Some(operation) = operation else {
            return Some(Self::Output {
                node: network.tensor(demand.tensor).name.clone(),
                degree: left,
            });
        };
        let (node, kind) = (operation.layer.clone(), operation.kind.clone());
        let is_unscaled = matches!(demand.cause, Cause::Unscaled(_));
        Some(match (&operation.rule, offset(network, operation)) {
            (Rule::Unknown, _) if is_unscaled => Self::UnknownOperation {
                node,
                kind,
                degree: left,
            },
            _ if is_unscaled => Self::Nonlinear {
                node,
                kind,
                degree: left,
            },
            (Rule::Add | Rule::Subtract, Some(parameter)) => Self::UnequalOffset {
                node,
                parameter: network.tensor(parameter).name.clone(),
                parameter_degree: right,
                degree: left,
            },
            _ => Self::UnequalDegrees {
                node,
                kind,
                left,
                right,
            },
        })
    }
}

/// The parameter that an addition adds as it is.
fn offset(network: &Network, operation: &Operation) -> Option<TensorId> {
    let mut tensor = *operation.inputs.get(1)?;
    loop {
        match &network.tensor(tensor).source {
            Source::Parameter { .. } => return Some(tensor),
            Source::Operation(place) => {
                let operation = &network.operations()[*place];
                if !matches!(operation.rule, Rule::Rearrange(_) | Rule::Copy) {
                    return None;
                }
                tensor = *operation.inputs.first()?;
            }
            _ => return None,
        }
    }
}
