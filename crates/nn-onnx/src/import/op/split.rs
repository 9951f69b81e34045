//! Tensors one after the other, and their parts.

use nn_graph::network::{AxisSource, Rule};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::Outcome;
use super::select::whole;

pub(super) fn concat(layer: &mut Layer) -> Result<Outcome, Problem> {
    let given = layer.given();
    let Some(rank) = given.iter().find_map(Operand::rank) else {
        layer.input(0)?;
        return Ok(Outcome::Unknown);
    };
    let axis = layer.axis(layer.int("axis", 1), rank)?;
    let mut result = layer.of_rank(&given[0].shape, rank)?;
    let mut length = Some(result[axis].clone());
    for operand in &given[1..] {
        let dims = layer.of_rank(&operand.shape, rank)?;
        for place in (0..rank).filter(|&place| place != axis) {
            if let (Some(a), Some(b)) = (result[place].number(), dims[place].number())
                && a != b
            {
                return Err(layer.wrong(format!(
                    "joins tensors of the lengths {a} and {b} in an axis other than {axis}"
                )));
            }
            if dims[place].number().is_some() {
                result[place] = dims[place].clone();
            }
        }
        length = length.and_then(|length| length.plus(&dims[axis]));
    }
    result[axis] = layer.or_fresh(length);
    let inputs: Vec<&Operand> = given.iter().collect();
    layer.result(0, Rule::Concat { axis }, &inputs, Some(result))?;
    Ok(Outcome::Known)
}

/// One operation for each part that is read.
pub(super) fn split(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(dims) = x.shape.clone() else {
        return Ok(Outcome::Unknown);
    };
    let axis = layer.axis(layer.int("axis", 0), dims.len())?;
    let count = layer.outputs.len();
    let given = layer.list("split", 1, 13);
    let lengths: Vec<Option<Dim>> = match given {
        Ok(Some(lengths)) if lengths.len() == count => {
            let sum = lengths.iter().try_fold(0i64, |sum, &length| {
                (length >= 0).then(|| sum.checked_add(length))?
            });
            if sum.is_none() || dims[axis].number().is_some_and(|whole| Some(whole) != sum) {
                return Err(layer.wrong(format!(
                    "has parts that do not add up to the length of axis {axis}"
                )));
            }
            lengths
                .into_iter()
                .map(|length| Some(Dim::known(length)))
                .collect()
        }
        Ok(Some(lengths)) => {
            let parts = lengths.len();
            return Err(layer.wrong(format!("has {parts} parts and {count} results")));
        }
        Ok(None) => (0..count)
            .map(|place| equal_part(&dims[axis], place, count))
            .collect(),
        Err(_) => vec![None; count],
    };
    for (place, length) in lengths.into_iter().enumerate() {
        if layer.wants(place) {
            let (mut sources, mut result) = (whole(dims.len()), dims.clone());
            sources[axis] = AxisSource::Part(axis);
            result[axis] = layer.or_fresh(length);
            layer.result(place, Rule::Rearrange(sources), &[&x], Some(result))?;
        }
    }
    Ok(Outcome::Known)
}

/// Parts are equal, except that the last may be smaller.
fn equal_part(whole: &Dim, place: usize, count: usize) -> Option<Dim> {
    let parts = Dim::length(count);
    let Some(length) = whole.number() else {
        return whole.divided_by(&parts);
    };
    let count = parts.number()?;
    let part = length.checked_add(count - 1)? / count;
    let start = part.checked_mul(i64::try_from(place).ok()?)?;
    Some(Dim::known(part.min(length - start.min(length))))
}
