//! Operators that select, repeat or reorder positions.

use nn_graph::network::{AxisSource, Rule};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::known::Known;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::{Import, Outcome};

pub(super) fn find(operator: &str) -> Option<Import> {
    Some(match operator {
        "Transpose" => transpose,
        "Expand" => expand,
        "Tile" => tile,
        "Trilu" => triangle,
        "DepthToSpace" => depth_to_space,
        "SpaceToDepth" => space_to_depth,
        "ReverseSequence" => reverse,
        _ => return None,
    })
}

/// All axes as they are.
pub(super) fn whole(rank: usize) -> Vec<AxisSource> {
    (0..rank).map(AxisSource::Whole).collect()
}

fn transpose(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let permutation = layer.ints("perm").map(<[i64]>::to_vec);
    let rank = x.rank().or(permutation.as_ref().map(Vec::len));
    let Some(rank) = rank.filter(|&rank| rank <= crate::read::MOST_AXES) else {
        return Ok(Outcome::Unknown);
    };
    let dims = layer.of_rank(&x.shape, rank)?;
    let places = match permutation {
        None => (0..rank).rev().collect(),
        Some(permutation) => layer.axes(&permutation, rank)?,
    };
    if places.len() != rank {
        let count = places.len();
        return Err(layer.wrong(format!("orders {count} axes of a tensor of {rank}")));
    }
    let result = places.iter().map(|&axis| dims[axis].clone()).collect();
    layer.rearrange(
        &x,
        places.into_iter().map(AxisSource::Whole).collect(),
        result,
    )?;
    Ok(Outcome::Known)
}

/// Parts of axes, from a start to an end by a step: attributes before version 10, inputs from then on.
pub(super) fn slice(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let (Some(dims), Some((starts, ends))) = (x.shape.clone(), bounds(layer)) else {
        return Ok(Outcome::Unknown);
    };
    let rank = dims.len();
    let (Ok(axes), Ok(steps)) = (layer.list("axes", 3, 10), layer.list("steps", 4, 10)) else {
        return partly(layer, &x, dims);
    };
    let axes = match axes {
        Some(axes) => layer.axes(&axes, rank)?,
        None => (0..starts.len().min(rank)).collect(),
    };
    let steps = steps.unwrap_or_else(|| vec![1; axes.len()]);
    if starts.len() != axes.len() || ends.len() != axes.len() || steps.len() != axes.len() {
        return Err(layer.wrong("has starts, ends, axes and steps of different numbers"));
    }
    let (mut sources, mut result) = (whole(rank), dims);
    for (place, &axis) in axes.iter().enumerate() {
        let (start, end, step) = (&starts[place], &ends[place], steps[place]);
        if step == 0 {
            return Err(layer.wrong("has a step of 0"));
        }
        let length = sliced(&result[axis], start, end, step);
        if length.as_ref() != Some(&result[axis]) || step != 1 {
            sources[axis] = AxisSource::Part(axis);
        }
        result[axis] = layer.or_fresh(length);
    }
    layer.rearrange(&x, sources, result)?;
    Ok(Outcome::Known)
}

type Bounds = (Vec<Dim>, Vec<Dim>);

fn bounds(layer: &Layer) -> Option<Bounds> {
    let list = |name: &str, place: usize| match layer.opset {
        ..10 => Some(layer.ints(name)?.iter().copied().map(Dim::known).collect()),
        _ => Some(layer.optional(place)?.ints()?.to_vec()),
    };
    Some((list("starts", 1)?, list("ends", 2)?))
}

/// Of a slice along axes that are known only when the network runs.
fn partly(layer: &mut Layer, x: &Operand, dims: Vec<Dim>) -> Result<Outcome, Problem> {
    let sources = (0..dims.len()).map(AxisSource::Part).collect();
    let result = dims.iter().map(|_| layer.fresh()).collect();
    layer.rearrange(x, sources, result)?;
    Ok(Outcome::Known)
}

/// The length of a slice; `None` where it is not known.
fn sliced(dim: &Dim, start: &Dim, end: &Dim, step: i64) -> Option<Dim> {
    const FAR: i64 = i32::MAX as i64;
    let Some(length) = dim.number() else {
        let to_the_end = end == dim || end.number().is_some_and(|end| end >= FAR);
        let all = step == 1 && start.number() == Some(0) && to_the_end;
        return all.then(|| dim.clone());
    };
    let (start, end) = (start.number()?, end.number()?);
    let place = |at: i64, least: i64, most: i64| {
        let at = if at < 0 {
            at.saturating_add(length)
        } else {
            at
        };
        at.clamp(least, most.max(least))
    };
    let span = if step > 0 {
        place(end, 0, length) - place(start, 0, length)
    } else {
        place(start, -1, length - 1) - place(end, -1, length - 1)
    };
    let step = i64::try_from(step.unsigned_abs()).unwrap_or(i64::MAX);
    let count = if span <= 0 { 0 } else { (span - 1) / step + 1 };
    Some(Dim::known(count))
}

/// Repeats positions, where the axis has only one.
fn expand(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, target) = (layer.input(0)?, layer.input(1)?);
    let Some(dims) = x.shape.clone() else {
        return Ok(Outcome::Unknown);
    };
    let asked = match target.ints() {
        Some(asked) => asked.to_vec(),
        None => {
            let rank = target
                .shape
                .as_ref()
                .and_then(|dims| dims.first()?.extent());
            let Some(rank) = rank.filter(|&rank| rank <= crate::read::MOST_AXES) else {
                return Ok(Outcome::Unknown);
            };
            (0..rank).map(|_| layer.fresh()).collect()
        }
    };
    let asked = Operand::constant(Known::Nothing, Some(asked), x.name.clone());
    let result = layer.broadcast(&[&x, &asked])?.unwrap_or_default();
    let added = result.len() - dims.len();
    let source = |place: usize| match place.checked_sub(added) {
        Some(axis) if !dims[axis].is_one() => AxisSource::Whole(axis),
        _ => AxisSource::New,
    };
    let sources = (0..result.len()).map(source).collect();
    layer.rearrange(&x, sources, result)?;
    Ok(Outcome::Known)
}

fn tile(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, repeats) = (layer.input(0)?, layer.input(1)?);
    let Some(dims) = x.shape.clone() else {
        return Ok(Outcome::Unknown);
    };
    let repeats = match repeats.ints() {
        Some(repeats) if repeats.len() == dims.len() => repeats.to_vec(),
        Some(repeats) => {
            let (count, rank) = (repeats.len(), dims.len());
            return Err(layer.wrong(format!("has {count} repeats for {rank} axes")));
        }
        None => dims.iter().map(|_| layer.fresh()).collect(),
    };
    let (mut sources, mut result) = (whole(dims.len()), Vec::new());
    for (axis, (dim, repeat)) in dims.iter().zip(&repeats).enumerate() {
        if dim.is_one() {
            sources[axis] = AxisSource::New;
        } else if !repeat.is_one() {
            sources[axis] = AxisSource::Part(axis);
        }
        result.push(layer.or_fresh(dim.times(repeat)));
    }
    layer.rearrange(&x, sources, result)?;
    Ok(Outcome::Known)
}

/// Multiplies by ones and zeros.
fn triangle(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let name = format!("{}.mask", layer.label).into();
    let mask = Operand::constant(Known::Nothing, x.shape.clone(), name);
    layer.result(0, Rule::Multiply, &[&x, &mask], x.shape.clone())?;
    Ok(Outcome::Known)
}

/// `[N, C, H, W]` and the side of a block.
fn blocks(layer: &mut Layer) -> Result<(Operand, Vec<Dim>, Dim, Option<Dim>), Problem> {
    let x = layer.input(0)?;
    let dims = layer.of_rank(&x.shape, 4)?;
    let size = layer.int("blocksize", 0);
    if !(1..1 << 20).contains(&size) {
        return Err(layer.wrong(format!("has blocks of the size {size}")));
    }
    let size = Dim::known(size);
    let area = size.times(&size);
    Ok((x, dims, size, area))
}

fn depth_to_space(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, dims, size, area) = blocks(layer)?;
    let channel = match layer.text("mode") {
        Some("CRD") => AxisSource::Outer(1),
        _ => AxisSource::Inner(1),
    };
    let sources = vec![
        AxisSource::Whole(0),
        channel,
        AxisSource::Mixed(vec![1, 2]),
        AxisSource::Mixed(vec![1, 3]),
    ];
    let channels = area.and_then(|area| dims[1].divided_by(&area));
    if channels.is_none() && dims[1].number().is_some() {
        return Err(layer.wrong("has channels that do not make whole blocks"));
    }
    let result = vec![
        dims[0].clone(),
        layer.or_fresh(channels),
        layer.or_fresh(dims[2].times(&size)),
        layer.or_fresh(dims[3].times(&size)),
    ];
    layer.rearrange(&x, sources, result)?;
    Ok(Outcome::Known)
}

fn space_to_depth(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, dims, size, area) = blocks(layer)?;
    let sources = vec![
        AxisSource::Whole(0),
        AxisSource::Mixed(vec![1, 2, 3]),
        AxisSource::Outer(2),
        AxisSource::Outer(3),
    ];
    let result = vec![
        dims[0].clone(),
        layer.or_fresh(area.and_then(|area| dims[1].times(&area))),
        layer.or_fresh(dims[2].divided_by(&size)),
        layer.or_fresh(dims[3].divided_by(&size)),
    ];
    layer.rearrange(&x, sources, result)?;
    Ok(Outcome::Known)
}

/// Reverses an axis up to a place that differs along another.
fn reverse(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(dims) = x.shape.clone() else {
        return Ok(Outcome::Unknown);
    };
    let time = layer.axis(layer.int("time_axis", 0), dims.len())?;
    let batch = layer.axis(layer.int("batch_axis", 1), dims.len())?;
    let mut sources = whole(dims.len());
    sources[time] = AxisSource::Part(time);
    sources[batch] = AxisSource::Mixed(vec![batch, time]);
    layer.rearrange(&x, sources, dims)?;
    Ok(Outcome::Known)
}
