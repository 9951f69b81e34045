//! Operators of ONNX, one file a family: their rules and shapes.

mod contract;
mod einsum;
mod elementwise;
mod gather;
mod normalise;
mod pad;
mod pool;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
mod select;
mod softmax;
mod source;
mod split;

pub(super) use elementwise::drops_nothing;

use nn_graph::network::Rule;

use crate::Problem;

use super::fold;
use super::layer::Layer;

/// How an operator was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Known,
    /// Not at all, or not in this form.
    Unknown,
}

type Import = fn(&mut Layer) -> Result<Outcome, Problem>;

/// Turns a node into operations, one or several for each of its results that is read.
pub(crate) fn import(layer: &mut Layer) -> Result<Outcome, Problem> {
    let import = match layer.node.domain.as_str() {
        "" | "ai.onnx" => find(&layer.node.operator),
        _ => None,
    };
    let outcome = match import {
        Some(import) => import(layer)?,
        None => Outcome::Unknown,
    };
    let inputs = layer.given();
    for place in 0..layer.outputs.len() {
        if layer.wants(place) && layer.outputs[place].is_none() {
            let inputs: Vec<_> = inputs.iter().collect();
            layer.result(place, Rule::Unknown, &inputs, None)?;
        }
    }
    fold::fold(layer);
    Ok(outcome)
}

/// An operator of the default domain.
fn find(operator: &str) -> Option<Import> {
    Some(match operator {
        "Conv" => contract::conv,
        "ConvTranspose" => contract::conv_transpose,
        "Gemm" => contract::gemm,
        "MatMul" => contract::matmul,
        "Einsum" => einsum::einsum,
        "Softmax" | "LogSoftmax" | "Hardmax" => softmax::softmax,
        "Concat" => split::concat,
        "Split" => split::split,
        "Pad" => pad::pad,
        "Slice" => select::slice,
        "Gather" => gather::gather,
        "GatherElements" => gather::gather_elements,
        "GatherND" => gather::gather_nd,
        "If" | "Loop" | "Scan" => control_flow,
        "LSTM" | "GRU" | "RNN" => recurrent::recurrent,
        "Resize" | "Upsample" => resize::resize,
        other => {
            return normalise::find(other)
                .or_else(|| elementwise::find(other))
                .or_else(|| reduce::find(other))
                .or_else(|| pool::find(other))
                .or_else(|| reshape::find(other))
                .or_else(|| select::find(other))
                .or_else(|| source::find(other));
        }
    })
}

fn control_flow(layer: &mut Layer) -> Result<Outcome, Problem> {
    Err(Problem::ControlFlow {
        node: layer.label.to_string(),
        operator: layer.node.operator.clone(),
    })
}
