//! Numbers at given places.

use nn_graph::network::{AxisSource, Rule};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::Outcome;

/// Data and places; places that are no constants are an input of the rule.
fn result(layer: &mut Layer, sources: Vec<AxisSource>, dims: Vec<Dim>) -> Result<Outcome, Problem> {
    let (data, places) = (layer.input(0)?, layer.input(1)?);
    let mut inputs: Vec<&Operand> = vec![&data];
    if !places.is_constant() {
        inputs.push(&places);
    }
    layer.result(0, Rule::Rearrange(sources), &inputs, Some(dims))?;
    Ok(Outcome::Known)
}

/// Positions of one axis: embeddings, and the choice of a token.
pub(super) fn gather(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (data, places) = (layer.input(0)?, layer.input(1)?);
    let (Some(own), Some(chosen)) = (data.shape, places.shape) else {
        return Ok(Outcome::Unknown);
    };
    let axis = layer.axis(layer.int("axis", 0), own.len())?;
    let source = match chosen.len() {
        1 => AxisSource::Part(axis),
        _ => AxisSource::Mixed(vec![axis]),
    };
    let mut sources: Vec<AxisSource> = (0..axis).map(AxisSource::Whole).collect();
    sources.extend(chosen.iter().map(|dim| match dim.is_one() {
        true => AxisSource::New,
        false => source.clone(),
    }));
    sources.extend((axis + 1..own.len()).map(AxisSource::Whole));
    let dims = [&own[..axis], &chosen, &own[axis + 1..]].concat();
    result(layer, sources, dims)
}

/// Positions of one axis, for each position of the others.
pub(super) fn gather_elements(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (data, places) = (layer.input(0)?, layer.input(1)?);
    let Some(dims) = places.shape.clone().or(data.shape.clone()) else {
        return Ok(Outcome::Unknown);
    };
    let rank = dims.len();
    layer.of_rank(&data.shape, rank)?;
    let dims = layer.of_rank(&places.shape, rank)?;
    let axis = layer.axis(layer.int("axis", 0), rank)?;
    let source = |place: usize| match place == axis {
        true => AxisSource::Part(axis),
        false => AxisSource::Mixed(vec![place, axis]),
    };
    result(layer, (0..rank).map(source).collect(), dims)
}

/// Positions of several axes at once, perhaps for each position of the first ones.
pub(super) fn gather_nd(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (data, places) = (layer.input(0)?, layer.input(1)?);
    let (Some(own), Some(chosen)) = (data.shape, places.shape) else {
        return Ok(Outcome::Unknown);
    };
    let batch = usize::try_from(layer.int("batch_dims", 0)).unwrap_or(usize::MAX);
    let depth = chosen.last().map(Dim::extent);
    let depth = match depth {
        Some(Some(depth)) => depth,
        Some(None) => return Ok(Outcome::Unknown),
        None => return Err(layer.wrong("has places without axes")),
    };
    let end = batch.saturating_add(depth);
    if batch >= chosen.len() || end > own.len() {
        return Err(layer.wrong(format!(
            "chooses along {depth} axes after {batch} of a tensor of {} axes",
            own.len()
        )));
    }
    let along: Vec<usize> = (batch..end).collect();
    let outer = chosen.len() - 1;
    let source = |place: usize| match place < batch {
        true => AxisSource::Mixed([&[place], along.as_slice()].concat()),
        false => AxisSource::Mixed(along.clone()),
    };
    let mut sources: Vec<AxisSource> = (0..outer).map(source).collect();
    sources.extend((end..own.len()).map(AxisSource::Whole));
    let dims = [&chosen[..outer], &own[end..]].concat();
    result(layer, sources, dims)
}
