//! Softmax, its logarithm, and its limit.

use nn_graph::network::{AxisSource, Rule};

use crate::Problem;
use crate::import::dim::product;
use crate::import::layer::Layer;

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
    let last = |log: bool| if log { Rule::Nonlinear } else { Rule::Linear };
    let last = last(layer.node.operator == "LogSoftmax");
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
    if let Some(along) = along {
        let y = layer.emit(rule(along), &[&x], Some(dims.clone()))?;
        layer.result(0, last, &[&y], Some(dims))?;
        return Ok(Outcome::Known);
    }
    let mut sources: Vec<AxisSource> = (0..axis).map(AxisSource::Whole).collect();
    sources.push(AxisSource::Merged(over.clone()));
    let merged = product(&dims[axis..]);
    let mut flat = dims[..axis].to_vec();
    flat.push(layer.or_fresh(merged));
    let softmax = rule(axis);
    let y = layer.emit(Rule::Rearrange(sources), &[&x], Some(flat.clone()))?;
    let y = layer.emit(softmax, &[&y], Some(flat))?;
    let part = |place: usize| match place {
        place if place < axis => AxisSource::Whole(place),
        place if over.first() == Some(&place) => AxisSource::Outer(axis),
        place if over.contains(&place) => AxisSource::Inner(axis),
        _ => AxisSource::New,
    };
    let sources = (0..rank).map(part).collect();
    let y = layer.emit(Rule::Rearrange(sources), &[&y], Some(dims.clone()))?;
    layer.result(0, last, &[&y], Some(dims))?;
    Ok(Outcome::Known)
}
