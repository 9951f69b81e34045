//! The numbers of small constants, as far as they are known: arithmetic on shapes, mostly.
//!
//! Networks for inputs of any size compute with shapes: `Shape`, `Gather`, `Mul`, `Concat`, `Reshape`. What comes out is known
//! but for the lengths that really differ from run to run, and even of these it is known which are equal.

mod arrange;
mod compute;

use std::rc::Rc;

use crate::read::FEW;

use super::dim::Dim;
use super::element::makes_floats;
use super::known::Known;
use super::layer::Layer;
use super::operand::Operand;

/// Adds what is known of the numbers to the first result of a node that reads only constants.
pub(super) fn fold(layer: &mut Layer) {
    let unknown = |operand: &Operand| {
        matches!(
            operand.known.as_deref(),
            Some(Known::Nothing | Known::Uniform(_))
        )
    };
    let first = layer.outputs.first().cloned().flatten();
    let mut given = layer.given();
    if layer.node.operator == "CastLike" {
        // Of the second input only the type counts.
        given.truncate(1);
    }
    let Some(mut result) = first.filter(unknown) else {
        return;
    };
    if given.is_empty() || !given.iter().all(Operand::is_constant) {
        return;
    }
    // Of no numbers there is nothing to know, however long the other axes are.
    let some = |lengths: &Vec<usize>| count(lengths).is_some_and(|count| count > 0);
    let known = match lengths(&result).filter(some) {
        Some(lengths) => few(layer, &given, &lengths),
        None => None,
    };
    if let Some(known) = known.or_else(|| uniform(layer, &given)) {
        result.known = Some(Rc::new(known));
        layer.produce(0, result);
    }
}

/// The shape, if it is known altogether.
fn lengths(operand: &Operand) -> Option<Vec<usize>> {
    operand.shape.as_ref()?.iter().map(Dim::extent).collect()
}

/// How many numbers there are, if these are few.
fn count(lengths: &[usize]) -> Option<usize> {
    let product = |product: usize, &length: &usize| product.checked_mul(length);
    lengths
        .iter()
        .try_fold(1, product)
        .filter(|&count| count <= FEW)
}

/// A result of few numbers.
fn few(layer: &mut Layer, given: &[Operand], lengths: &[usize]) -> Option<Known> {
    let operator = layer.node.operator.as_str();
    let known = |place: usize| given.get(place)?.known.as_deref();
    match operator {
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Dropout" => known(0).cloned(),
        "Cast" => compute::cast(layer, known(0)?),
        "CastLike" if makes_floats(layer.node, &layer.inputs) => {
            known(0)?.floats().map(Known::Floats)
        }
        "Gather" => arrange::gather(layer, given, lengths),
        "Slice" => arrange::slice(layer, given, lengths),
        "Transpose" => arrange::transpose(layer, given, lengths),
        "Concat" => arrange::concat(layer, given, lengths),
        "Expand" => arrange::broadcast(&given[0], lengths),
        "ReduceProd" | "ReduceSum" | "ReduceMax" | "ReduceMin" => {
            compute::reduce(layer, &given[0], lengths)
        }
        _ => compute::elementwise(layer, given, lengths),
    }
}

/// A result of any number of numbers that are all the same.
fn uniform(layer: &Layer, given: &[Operand]) -> Option<Known> {
    let number = |place: usize| given.get(place)?.uniform();
    let first = number(0)?;
    let uniform = match layer.node.operator.as_str() {
        "Expand" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Dropout" | "Transpose"
        | "Tile" | "Slice" | "Gather" => first,
        "Cast" | "CastLike" if makes_floats(layer.node, &layer.inputs) => first,
        // In any type it is the same number.
        "CastLike" if first == 0.0 || first == 1.0 => first,
        "Cast" | "CastLike" => return None,
        "Concat" => given
            .iter()
            .all(|operand| operand.uniform() == Some(first))
            .then_some(first)?,
        operator => compute::float(operator, first, number(1)).filter(|_| given.len() <= 2)?,
    };
    Some(Known::Uniform(uniform))
}
