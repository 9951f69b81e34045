//! Which tensors hold floats, as far as it matters: what is cast to the type of one of these stays as it is.

use crate::model::{Attribute, Node};

use super::operand::Operand;

/// Operators whose first result has the type of those inputs that may hold floats.
const ONE_TYPE: [&str; 53] = [
    "Abs",
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Clip",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Div",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Mean",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "RMSNormalization",
    "ReduceL2",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Where",
];

/// Whether the first result of a node is known to hold floats. Parameters do.
pub(super) fn makes_floats(node: &Node, inputs: &[Option<Operand>]) -> bool {
    let is_float = |input: &Option<Operand>| input.as_ref().is_some_and(|input| input.is_float);
    match node.operator.as_str() {
        _ if !matches!(node.domain.as_str(), "" | "ai.onnx") => false,
        // The wider floats of `TensorProto.DataType`.
        "Cast" => matches!(
            node.attributes.get("to"),
            Some(Attribute::Int(1 | 10 | 11 | 16))
        ),
        "CastLike" => inputs.get(1).is_some_and(is_float),
        operator => ONE_TYPE.contains(&operator) && inputs.iter().any(is_float),
    }
}
