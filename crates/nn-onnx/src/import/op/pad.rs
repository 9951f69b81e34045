//! Padding.

use nn_graph::network::{AxisSource, Rule};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::known::Known;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::Outcome;
use super::select::whole;

/// With zeros, with another number, or with what is there: paddings below 0 crop.
pub(super) fn pad(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(dims) = x.shape.clone() else {
        return Ok(Outcome::Unknown);
    };
    let rank = dims.len();
    let axes = match layer.optional(3) {
        None => Some((0..rank).collect()),
        Some(axes) => match axes.numbers() {
            None => None,
            Some(axes) => Some(layer.axes(&axes, rank)?),
        },
    };
    let pads: Option<Vec<Dim>> = if layer.opset < 11 {
        let pads = layer.ints("pads");
        pads.map(|pads| pads.iter().copied().map(Dim::known).collect())
    } else {
        layer
            .optional(1)
            .and_then(|pads| pads.ints().map(<[Dim]>::to_vec))
    };
    let repeats = layer.text("mode").is_some_and(|mode| mode != "constant");
    let (mut sources, mut result) = (whole(rank), dims);
    let (Some(axes), Some(pads)) = (axes, pads) else {
        let source = |axis| source(axis, repeats);
        let result = result.iter().map(|_| layer.fresh()).collect();
        return filled(layer, &x, (0..rank).map(source).collect(), result, repeats);
    };
    if pads.len() != 2 * axes.len() {
        let (count, axes) = (pads.len(), axes.len());
        return Err(layer.wrong(format!("has {count} paddings for {axes} axes")));
    }
    for (place, &axis) in axes.iter().enumerate() {
        let (before, after) = (&pads[place], &pads[axes.len() + place]);
        if (before.number(), after.number()) == (Some(0), Some(0)) {
            continue;
        }
        let crops = |pad: &Dim| pad.number().is_some_and(|pad| pad <= 0);
        sources[axis] = source(axis, repeats || (crops(before) && crops(after)));
        let length = before.plus(after).and_then(|pads| pads.plus(&result[axis]));
        if length
            .as_ref()
            .and_then(Dim::number)
            .is_some_and(|length| length < 0)
        {
            return Err(layer.wrong(format!("crops more of axis {axis} than there is")));
        }
        result[axis] = layer.or_fresh(length);
    }
    filled(layer, &x, sources, result, repeats)
}

fn source(axis: usize, repeats: bool) -> AxisSource {
    match repeats {
        true => AxisSource::Part(axis),
        false => AxisSource::Padded(axis),
    }
}

/// Padding with a number other than 0 is padding with 0, and addition of that number where the padding is.
fn filled(
    layer: &mut Layer,
    x: &Operand,
    sources: Vec<AxisSource>,
    dims: Vec<Dim>,
    repeats: bool,
) -> Result<Outcome, Problem> {
    let value = if layer.opset < 11 {
        let value = Known::Uniform(layer.float("value", 0.0).into());
        let name = format!("{}.value", layer.label).into();
        Some(Operand::constant(value, Some(Vec::new()), name))
    } else {
        layer.optional(2)
    };
    let value = value.filter(|value| !repeats && value.uniform() != Some(0.0));
    let Some(value) = value else {
        layer.rearrange(x, sources, dims)?;
        return Ok(Outcome::Known);
    };
    let shape = Some(dims);
    let padded = layer.emit(Rule::Rearrange(sources), &[x], shape.clone())?;
    let name = format!("{}.mask", layer.label).into();
    let mask = Operand::constant(Known::Nothing, shape.clone(), name);
    let added = layer.emit(Rule::Multiply, &[&mask, &value], shape.clone())?;
    layer.result(0, Rule::Add, &[&padded, &added], shape)?;
    Ok(Outcome::Known)
}
