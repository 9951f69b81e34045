//! Which initialisers are parameters: the rule that the crate's documentation states.

use std::collections::HashMap;

use crate::Problem;
use crate::error::clean;
use crate::model::{Element, Node, Tensor};

use super::Importer;
use super::dim::Dim;
use super::known::Known;
use super::operand::Operand;

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
        let mut roles: HashMap<&str, Role> = HashMap::new();
        for node in &graph.nodes {
            for (place, name) in node.inputs.iter().enumerate() {
                if let Some(role) = Role::of(node, place) {
                    // A tensor in two places is a weight, if it is one in the first.
                    roles.entry(name).or_insert(role);
                }
            }
        }
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
                let operand = self.initialiser(tensor, is_parameter(tensor, role, kind))?;
                self.tensors.insert(name, operand);
            }
        }
        Ok(())
    }

    fn initialiser(&mut self, tensor: &Tensor, parameter: bool) -> Result<Operand, Problem> {
        let shape = Some(tensor.dims.iter().copied().map(Dim::length).collect());
        let name = clean(&tensor.name).into();
        if !parameter {
            return Ok(Operand::constant(Known::from(&tensor.numbers), shape, name));
        }
        self.target.count(tensor.dims.len())?;
        let extents = super::shape::extents(&shape);
        let id = self.target.net.parameter(&name, extents, true);
        Ok(Operand::data(id, shape, name))
    }
}

fn is_parameter(tensor: &Tensor, role: Option<Role>, kind: Option<&str>) -> bool {
    if tensor.element != Element::Float {
        return false;
    }
    if let Some(kind) = kind {
        return kind == "PARAMETER";
    }
    let name = tensor.name.as_str();
    let uniform = Known::from(&tensor.numbers).uniform().is_some();
    let single = tensor.dims.iter().all(|&length| length == 1);
    match role {
        Some(Role::Argument) => false,
        Some(Role::InstanceWeight) => !uniform || is_path(name),
        Some(Role::Weight) => true,
        None => !single || name.contains('.'),
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
        let tensor = |name: &str, element, dims: &[usize], numbers| Tensor {
            name: name.into(),
            element,
            dims: dims.to_vec(),
            numbers,
        };
        let float = |name, dims: &[usize]| tensor(name, Element::Float, dims, Numbers::Other);
        let ones = |name, dims: &[usize]| tensor(name, Element::Float, dims, Numbers::Uniform(1.0));
        let (weight, instance) = (Some(Role::Weight), Some(Role::InstanceWeight));
        assert!(is_parameter(&float("w", &[3]), None, None));
        assert!(is_parameter(
            &float("onnx::MatMul_3", &[3, 4]),
            weight,
            None
        ));
        assert!(is_parameter(&ones("bn.weight", &[3]), weight, None));
        assert!(is_parameter(&ones("blocks.0.alpha", &[]), None, None));
        assert!(is_parameter(&ones("weight", &[1]), weight, None));
        assert!(is_parameter(&ones("in.weight", &[3]), instance, None));
        assert!(is_parameter(&float("onnx::In_3", &[3]), instance, None));
        assert!(is_parameter(&ones("onnx::Mul_20", &[3, 1, 1]), None, None));
        assert!(is_parameter(
            &ones("val_3", &[1]),
            weight,
            Some("PARAMETER")
        ));
        assert!(!is_parameter(
            &ones("onnx::InstanceNormalization_3", &[3]),
            instance,
            None
        ));
        assert!(!is_parameter(&float("epsilon", &[1]), None, None));
        assert!(!is_parameter(
            &float("mean", &[3]),
            Some(Role::Argument),
            None
        ));
        assert!(!is_parameter(
            &float("filter", &[3]),
            weight,
            Some("BUFFER")
        ));
        let ints = tensor("shape", Element::Int, &[3], Numbers::Other);
        assert!(!is_parameter(&ints, weight, None));
    }
}
