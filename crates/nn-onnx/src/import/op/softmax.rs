//! Softmax, its logarithm, and its limit.

use nn_graph::network::{AxisSource, Rule};

use crate::Problem;
use crate::import::dim::{Dim, product};
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::Outcome;

pub(super) fn softmax(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(dims) = x.shape.clone() else {
        layer.result(0, Rule::Nonlinear, &[&x], None)?;
        return Ok(Outcome::Known);
    };
    if dims.is_empty() {
        layer.result(0, Rule::Nonlinear, &[&x], Some(dims))?;
        return Ok(Outcome::Known);
    }
    let (rank, default) = (dims.len(), if layer.opset < 13 { 1 } else { -1 });
    let axis = layer.int("axis", default);
    // Before version 13 the axis may be one past the last.
    let axis = match usize::try_from(axis) {
        Ok(axis) if axis == rank && layer.opset < 13 => axis,
        _ => layer.axis(axis, rank)?,
    };
    let rule = |axis| match layer.node.operator.as_str() {
        "Hardmax" => Rule::Insensitive,
        _ => Rule::Softmax { axis },
    };
    // Before version 13 it is taken over all axes from this one on.
    let over: Vec<usize> = (axis..rank).filter(|&axis| !dims[axis].is_one()).collect();
    let along = match over.as_slice() {
        _ if layer.opset >= 13 => Some(axis),
        [] => Some(rank - 1),
        [only] => Some(*only),
        _ => None,
    };
    match along {
        Some(along) => last(layer, rule(along), &x, dims)?,
        None => {
            let softmax = rule(axis);
            flattened(layer, softmax, &x, &dims, axis, &over)?;
        }
    }
    Ok(Outcome::Known)
}

/// The last operation, and the logarithm after it.
fn last(layer: &mut Layer, rule: Rule, x: &Operand, dims: Vec<Dim>) -> Result<(), Problem> {
    if layer.node.operator != "LogSoftmax" {
        return layer.result(0, rule, &[x], Some(dims));
    }
    let y = layer.emit(rule, &[x], Some(dims.clone()))?;
    layer.result(0, Rule::Nonlinear, &[&y], Some(dims))
}

/// Over several axes as one.
fn flattened(
    layer: &mut Layer,
    softmax: Rule,
    x: &Operand,
    dims: &[Dim],
    axis: usize,
    over: &[usize],
) -> Result<(), Problem> {
    let mut sources: Vec<AxisSource> = (0..axis).map(AxisSource::Whole).collect();
    sources.push(AxisSource::Merged(over.to_vec()));
    let merged = product(&dims[axis..]);
    let mut flat = dims[..axis].to_vec();
    flat.push(layer.or_fresh(merged));
    let y = layer.emit(Rule::Rearrange(sources), &[x], Some(flat.clone()))?;
    let y = layer.emit(softmax, &[&y], Some(flat))?;
    let part = |place: usize| match place {
        place if place < axis => AxisSource::Whole(place),
        place if over.first() == Some(&place) => AxisSource::Outer(axis),
        place if over.contains(&place) => AxisSource::Inner(axis),
        _ => AxisSource::New,
    };
    let sources = (0..dims.len()).map(part).collect();
    last(layer, Rule::Rearrange(sources), &y, dims.to_vec())
}
