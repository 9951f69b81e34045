//! Normalisations, each followed by its scale and its shift.
//!
//! Batch normalisation is taken as in training, whatever the file was exported for: the question is how the network
//! responds while its weights change.

use nn_graph::network::{AxisSource, Grouped, Normalise, Reduce, Reduction, Rule};

use crate::Problem;
use crate::error::clean;
use crate::import::dim::Dim;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::contract::per_channel;
use super::{Import, Outcome};

pub(super) fn find(operator: &str) -> Option<Import> {
    Some(match operator {
        "BatchNormalization" => batch,
        "InstanceNormalization" => instance,
        "GroupNormalization" => group,
        "LayerNormalization" | "RMSNormalization" => layer_norm,
        "MeanVarianceNormalization" => mean_variance,
        "LpNormalization" => lp,
        _ => return None,
    })
}

fn normalised(
    layer: &mut Layer,
    x: &Operand,
    axes: Vec<usize>,
    grouped: Option<Grouped>,
    centres: bool,
) -> Result<Operand, Problem> {
    let rule = Rule::Normalise(Normalise {
        axes,
        grouped,
        centres,
    });
    layer.emit(rule, &[x], x.shape.clone())
}

/// Multiplies by the second input and adds the third, each brought to the shape of the first by `along`.
fn affine(
    layer: &mut Layer,
    normalised: Operand,
    mut along: impl FnMut(&mut Layer, &Operand) -> Result<Operand, Problem>,
) -> Result<(), Problem> {
    let mut y = normalised;
    for (place, rule, neutral) in [(1, Rule::Multiply, 1.0), (2, Rule::Add, 0.0)] {
        let Some(vector) = layer.optional(place) else {
            continue;
        };
        if vector.uniform() == Some(neutral) {
            continue;
        }
        let vector = along(layer, &vector)?;
        let shape = layer.broadcast(&[&y, &vector])?;
        y = layer.emit(rule, &[&y, &vector], shape)?;
    }
    layer.produce(0, y);
    Ok(())
}

/// The input with its number of axes, which must be at least two.
fn images(layer: &mut Layer) -> Result<Option<(Operand, usize)>, Problem> {
    let x = layer.input(0)?;
    match x.rank() {
        None => Ok(None),
        Some(rank) if rank < 2 => Err(layer
            .wrong("takes a tensor with a batch and channels, and gets one of less than two axes")),
        Some(rank) => Ok(Some((x, rank))),
    }
}

fn batch(layer: &mut Layer) -> Result<Outcome, Problem> {
    let Some((x, rank)) = images(layer)? else {
        return Ok(Outcome::Unknown);
    };
    if let Some(mean) = layer.optional(3) {
        let place = layer.target.place(&x)?;
        let means = &mut layer.target.running_means;
        means.push((place, clean(&mean.name)));
    }
    let axes = (0..rank).filter(|&axis| axis != 1).collect();
    let y = normalised(layer, &x, axes, None, true)?;
    affine(layer, y, |layer, vector| per_channel(layer, vector, rank))?;
    Ok(Outcome::Known)
}

fn instance(layer: &mut Layer) -> Result<Outcome, Problem> {
    let Some((x, rank)) = images(layer)? else {
        return Ok(Outcome::Unknown);
    };
    let y = normalised(layer, &x, (2..rank).collect(), None, true)?;
    affine(layer, y, |layer, vector| per_channel(layer, vector, rank))?;
    Ok(Outcome::Known)
}

/// Before version 21, scale and shift have one number for each group, from then on for each channel.
fn group(layer: &mut Layer) -> Result<Outcome, Problem> {
    let Some((x, rank)) = images(layer)? else {
        return Ok(Outcome::Unknown);
    };
    let groups = layer.int("num_groups", 0);
    let channels = layer.of_rank(&x.shape, rank)?.swap_remove(1);
    let divide = |groups: &usize| {
        *groups > 0
            && channels
                .number()
                .is_none_or(|channels| channels % *groups as i64 == 0)
    };
    let Some(groups) = usize::try_from(groups).ok().filter(divide) else {
        let channels = channels.number().unwrap_or(0);
        return Err(layer.wrong(format!("has {groups} groups of {channels} channels")));
    };
    let grouped = Grouped { axis: 1, groups };
    let y = normalised(layer, &x, (2..rank).collect(), Some(grouped), true)?;
    let per_group = layer.opset < 21;
    affine(layer, y, |layer, vector| {
        if !per_group {
            return per_channel(layer, vector, rank);
        }
        let vector = layer.emit(
            Rule::Rearrange(vec![AxisSource::Mixed(vec![0])]),
            &[vector],
            Some(vec![channels.clone()]),
        )?;
        per_channel(layer, &vector, rank)
    })?;
    Ok(Outcome::Known)
}

/// Over all axes from one on; scale and shift have these axes.
fn layer_norm(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(rank) = x.rank() else {
        return Ok(Outcome::Unknown);
    };
    let from = layer.axis(layer.int("axis", -1), rank)?;
    let axes: Vec<usize> = (from..rank).collect();
    if layer.wants(1) || layer.wants(2) {
        statistics(layer, &x, &axes)?;
    }
    let centres = layer.node.operator == "LayerNormalization";
    let y = normalised(layer, &x, axes, None, centres)?;
    affine(layer, y, |_, vector| Ok(vector.clone()))?;
    Ok(Outcome::Known)
}

/// The second result is the mean, the third the inverse of the standard deviation.
fn statistics(layer: &mut Layer, x: &Operand, axes: &[usize]) -> Result<(), Problem> {
    let mean = |axes: &[usize]| {
        Rule::Reduce(Reduce {
            axes: axes.to_vec(),
            keeps_axes: true,
            by: Reduction::Mean,
        })
    };
    let mut dims = layer.of_rank(&x.shape, x.rank().unwrap_or(0))?;
    axes.iter().for_each(|&axis| dims[axis] = Dim::ONE);
    let reduced = Some(dims);
    let centre = layer.emit(mean(axes), &[x], reduced.clone())?;
    let centred = layer.emit(Rule::Subtract, &[x, &centre], x.shape.clone())?;
    layer.produce(1, centre);
    let power = |numerator, denominator| Rule::Power {
        numerator,
        denominator,
    };
    let squares = layer.emit(power(2, 1), &[&centred], x.shape.clone())?;
    let variance = layer.emit(mean(axes), &[&squares], reduced.clone())?;
    layer.result(2, power(-1, 2), &[&variance], reduced)
}

fn mean_variance(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(rank) = x.rank() else {
        return Ok(Outcome::Unknown);
    };
    let axes = layer.ints("axes").unwrap_or(&[0, 2, 3]).to_vec();
    let axes = layer.axes(&axes, rank)?;
    let y = normalised(layer, &x, axes, None, true)?;
    layer.produce(0, y);
    Ok(Outcome::Known)
}

/// Divides by a norm along an axis.
fn lp(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(rank) = x.rank() else {
        return Ok(Outcome::Unknown);
    };
    let axis = layer.axis(layer.int("axis", -1), rank)?;
    let mut dims = layer.of_rank(&x.shape, rank)?;
    dims[axis] = Dim::ONE;
    let rule = Rule::Reduce(Reduce {
        axes: vec![axis],
        keeps_axes: true,
        by: Reduction::Norm,
    });
    let norm = layer.emit(rule, &[&x], Some(dims))?;
    layer.result(0, Rule::Divide, &[&x, &norm], x.shape.clone())?;
    Ok(Outcome::Known)
}
