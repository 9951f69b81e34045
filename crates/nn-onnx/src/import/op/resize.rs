//! Interpolation.

use nn_graph::network::{Rule, Window};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::Outcome;

/// Weighted means of neighbours, along every axis that is made longer or shorter.
pub(super) fn resize(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let fills = layer.text("coordinate_transformation_mode") == Some("tf_crop_and_resize");
    let Some(dims) = x.shape.clone().filter(|_| !fills) else {
        return Ok(Outcome::Unknown);
    };
    let rank = dims.len();
    let axes = match layer.ints("axes").map(<[i64]>::to_vec) {
        Some(axes) => layer.axes(&axes, rank)?,
        None => (0..rank).collect(),
    };
    let lengths = lengths(layer, &dims, &axes)?;
    let (mut result, mut moved) = (dims.clone(), Vec::new());
    for (&axis, resized) in axes.iter().zip(lengths) {
        if resized.moves {
            moved.push(axis);
        }
        result[axis] = layer.or_fresh(resized.length);
    }
    let rule = match moved.is_empty() {
        true => Rule::Copy,
        false => Rule::Window(Window {
            axes: moved,
            keeps_constants: true,
            linear: true,
        }),
    };
    layer.result(0, rule, &[&x], Some(result))?;
    Ok(Outcome::Known)
}

/// An axis after it.
#[derive(Clone)]
struct Resized {
    /// `None` if it is not known.
    length: Option<Dim>,
    /// Whether its positions are mixed: by a scale of 1.2 also where three stay three.
    moves: bool,
}

/// What becomes of these axes, from sizes or from scales.
fn lengths(layer: &Layer, dims: &[Dim], axes: &[usize]) -> Result<Vec<Resized>, Problem> {
    let count = |length: usize| match length == axes.len() {
        true => Ok(()),
        false => Err(layer.wrong(format!("resizes {} axes with {length} numbers", axes.len()))),
    };
    let unknown = Resized {
        length: None,
        moves: true,
    };
    let unknown = vec![unknown; axes.len()];
    let sizes = layer.optional(3).filter(|_| layer.opset >= 11);
    if let Some(sizes) = sizes.filter(|sizes| !is_empty(sizes)) {
        let keeps_ratio = layer.text("keep_aspect_ratio_policy");
        let stretches = keeps_ratio.is_none_or(|policy| policy == "stretch");
        return match sizes.ints().filter(|_| stretches) {
            None => Ok(unknown),
            Some(sizes) => {
                count(sizes.len())?;
                let resized = |(&axis, size): (&usize, &Dim)| Resized {
                    length: Some(size.clone()),
                    moves: *size != dims[axis],
                };
                Ok(axes.iter().zip(sizes).map(resized).collect())
            }
        };
    }
    let scales = if layer.opset < 11 {
        layer.input(1)?
    } else {
        layer.input(2)?
    };
    let Some(scales) = scales.known.as_ref().and_then(|known| known.floats()) else {
        return Ok(unknown);
    };
    count(scales.len())?;
    let scaled = |(&axis, scale): (&usize, &Option<f64>)| {
        let scale = (*scale)?;
        match dims[axis].number() {
            Some(length) => {
                let scaled = (length as f64 * scale).floor();
                (0.0..1e15)
                    .contains(&scaled)
                    .then(|| Dim::known(scaled as i64))
            }
            None if scale.fract() == 0.0 && (1.0..1e6).contains(&scale) => {
                dims[axis].times(&Dim::known(scale as i64))
            }
            None => None,
        }
    };
    let resized = |(axis, scale)| Resized {
        length: scaled((axis, scale)),
        moves: *scale != Some(1.0),
    };
    Ok(axes.iter().zip(&scales).map(resized).collect())
}

fn is_empty(operand: &Operand) -> bool {
    let length = operand.shape.as_ref().and_then(|dims| dims.first());
    length.and_then(Dim::number) == Some(0)
}
