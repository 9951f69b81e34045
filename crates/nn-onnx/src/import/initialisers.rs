//! Which initialisers are parameters: the rule that the crate's documentation states.

use std::collections::HashMap;

use crate::Problem;
use crate::error::clean;
use crate::model::{Element, Node, Tensor};

use super::Importer;
use super::dim::Dim;
use super::known::Known;
use super::operand::Operand;
use super::shape::Shape;

/// Where a tensor stands in a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Weight,
    /// Of a normalisation that stands for another one.
    InstanceWeight,
    /// A statistic, or a setting of the operator.
    Argument,
}

impl Role {
    fn of(node: &Node, place: usize) -> Option<Self> {
        match (node.operator.as_str(), place) {
            ("BatchNormalization", 3 | 4)
            | ("Clip" | "Dropout" | "OneHot" | "Pad" | "Range" | "Resize" | "Upsample", 1..) => {
                Some(Self::Argument)
            }
            ("InstanceNormalization", 1 | 2) => Some(Self::InstanceWeight),
            (
                "BatchNormalization" | "LayerNormalization" | "GroupNormalization" | "Conv"
                | "ConvTranspose" | "Gemm",
                1 | 2,
            )
            | ("RMSNormalization" | "PRelu" | "MatMul", 1) => Some(Self::Weight),
            _ => None,
        }
    }
}

impl<'a> Importer<'a> {
    /// The parameters and constants that stand in the file.
    pub(super) fn initialisers(&mut self) -> Result<(), Problem> {
        let graph = &self.model.graph;
        let roles = roles(&graph.nodes);
        let declared = graph.values.iter().chain(&graph.inputs);
        let kinds: HashMap<&str, &str> = declared
            .filter_map(|value| Some((value.name.as_str(), value.kind.as_deref()?)))
            .collect();
        for tensor in &graph.initialisers {
            let name = tensor.name.as_str();
            if self.tensors.contains_key(name) {
                return Err(Problem::Tensor {
                    tensor: clean(name),
                    what: "is there twice: names must be unique".into(),
                });
            }
            if self.needs(name) {
                let (role, kind) = (roles.get(name).copied(), kinds.get(name).copied());
                let operand = match is_parameter(name, tensor, role, kind) {
                    true => self.parameter(name, tensor)?,
                    false => constant(name, tensor),
                };
                self.tensors.insert(name, operand);
            }
        }
        if graph.initialisers.is_empty() {
            return self.weights_in_nodes(&roles);
        }
        Ok(())
    }

    /// Some exporters write no initialisers, but a `Constant` node for each weight.
    fn weights_in_nodes(&mut self, roles: &HashMap<&str, Role>) -> Result<(), Problem> {
        for node in &self.model.graph.nodes {
            let Some((name, tensor)) = node.constant().filter(|(name, _)| self.needs(name)) else {
                continue;
            };
            let role = roles.get(name).copied();
            let number = is_single(tensor) && role.is_none();
            if !number && is_parameter(name, tensor, role, None) {
                let operand = self.parameter(name, tensor)?;
                self.weights_in_nodes.insert(name, operand);
            }
        }
        Ok(())
    }

    fn parameter(&mut self, name: &str, tensor: &Tensor) -> Result<Operand, Problem> {
        let (shape, name) = (shape(tensor), clean(name));
        self.target.count(tensor.dims.len())?;
        let extents = super::shape::extents(&shape);
        let id = self.target.net.parameter(&name, extents, true);
        let parameter = Operand::data(id, shape, name.into());
        Ok(Operand {
            is_float: true,
            ..parameter
        })
    }
}

fn constant(name: &str, tensor: &Tensor) -> Operand {
    let known = Known::from(&tensor.numbers);
    Operand::constant(known, shape(tensor), clean(name).into())
}

fn shape(tensor: &Tensor) -> Shape {
    Some(tensor.dims.iter().copied().map(Dim::length).collect())
}

/// For each tensor its role where it stands first.
fn roles(nodes: &[Node]) -> HashMap<&str, Role> {
    let mut roles = HashMap::new();
    for node in nodes {
        for (place, name) in node.inputs.iter().enumerate() {
            if let Some(role) = Role::of(node, place) {
                roles.entry(name.as_str()).or_insert(role);
            }
        }
    }
    roles
}

fn is_single(tensor: &Tensor) -> bool {
    tensor.dims.iter().all(|&length| length == 1)
}

fn is_parameter(name: &str, tensor: &Tensor, role: Option<Role>, kind: Option<&str>) -> bool {
    if tensor.element != Element::Float {
        return false;
    }
    if let Some(kind) = kind {
        return kind == "PARAMETER";
    }
    let uniform = Known::from(&tensor.numbers).uniform().is_some();
    match role {
        Some(Role::Argument) => false,
        Some(Role::InstanceWeight) => !uniform || is_path(name),
        Some(Role::Weight) => true,
        None => !is_single(tensor) || name.contains('.'),
    }
}

/// Whether a name may be that of a parameter in a program: names of Python with dots between them.
fn is_path(name: &str) -> bool {
    let counted = name.trim_start_matches('_').strip_prefix("val_");
    let counted = counted.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let word =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let starts = |c: char| c.is_alphabetic() || c == '_';
    !counted && name.starts_with(starts) && name.split('.').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Numbers;

    #[test]
    fn names_that_programs_give() {
        for name in [
            "weight",
            "layer1.0.bn.weight",
            "cls_token",
            "_w",
            "val_x",
            "a.0",
        ] {
            assert!(is_path(name), "{name}");
        }
        for name in [
            "",
            "onnx::Mul_3",
            "345",
            "val_3",
            "_val_12",
            "/layer1/Constant_output_0",
            "a..b",
        ] {
            assert!(!is_path(name), "{name}");
        }
    }

    #[test]
    fn what_is_a_parameter() {
        let tensor = |element, dims: &[usize], numbers| Tensor {
            name: String::new(),
            element,
            dims: dims.to_vec(),
            numbers,
        };
        let float = |dims: &[usize]| tensor(Element::Float, dims, Numbers::Other);
        let ones = |dims: &[usize]| tensor(Element::Float, dims, Numbers::Uniform(1.0));
        let (weight, instance) = (Some(Role::Weight), Some(Role::InstanceWeight));
        assert!(is_parameter("w", &float(&[3]), None, None));
        assert!(is_parameter(
            "onnx::MatMul_3",
            &float(&[3, 4]),
            weight,
            None
        ));
        assert!(is_parameter("bn.weight", &ones(&[3]), weight, None));
        assert!(is_parameter("blocks.0.alpha", &ones(&[]), None, None));
        assert!(is_parameter("weight", &ones(&[1]), weight, None));
        assert!(is_parameter("in.weight", &ones(&[3]), instance, None));
        assert!(is_parameter("onnx::In_3", &float(&[3]), instance, None));
        assert!(is_parameter("onnx::Mul_20", &ones(&[3, 1, 1]), None, None));
        assert!(is_parameter(
            "val_3",
            &ones(&[1]),
            weight,
            Some("PARAMETER")
        ));
        assert!(!is_parameter(
            "onnx::InstanceNormalization_3",
            &ones(&[3]),
            instance,
            None
        ));
        assert!(!is_parameter("epsilon", &float(&[1]), None, None));
        assert!(!is_parameter(
            "mean",
            &float(&[3]),
            Some(Role::Argument),
            None
        ));
        assert!(!is_parameter(
            "filter",
            &float(&[3]),
            weight,
            Some("BUFFER")
        ));
        let ints = tensor(Element::Int, &[3], Numbers::Other);
        assert!(!is_parameter("shape", &ints, weight, None));
    }
}
