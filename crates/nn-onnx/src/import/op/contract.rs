//! Products that sum over axes: convolutions and matrix products.

use nn_graph::network::{AxisSource, Contract, ContractAxis, Rule};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::Outcome;
use super::pool::Windows;

/// Images `[batch, C, …]` with weights `[out, C/groups, …]`.
pub(super) fn conv(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, weight) = (layer.input(0)?, layer.input(1)?);
    let Some(rank) = x.rank().or(weight.rank()).filter(|&rank| rank >= 2) else {
        return Ok(Outcome::Unknown);
    };
    let (dims, kernel) = (
        layer.of_rank(&x.shape, rank)?,
        layer.of_rank(&weight.shape, rank)?,
    );
    let groups = groups(layer)?;
    let read = kernel[1].times(&Dim::length(groups));
    if let (Some(channels), Some(read)) = (dims[1].number(), read.and_then(|dim| dim.number()))
        && channels != read
    {
        return Err(layer.wrong(format!(
            "has weights for {read} channels, and reads {channels}"
        )));
    }
    let windows = Windows::of(layer, &kernel[2..])?;
    let mut result = vec![dims[0].clone(), kernel[0].clone()];
    result.extend(windows.lengths(layer, &dims[2..])?);
    let keeps = |place: usize| !windows.pads(place);
    let rule = Rule::Contract(convolution(rank, groups, keeps));
    biased(layer, rule, &[&x, &weight], result)?;
    Ok(Outcome::Known)
}

fn groups(layer: &Layer) -> Result<usize, Problem> {
    let groups = layer.int("group", 1);
    usize::try_from(groups)
        .ok()
        .filter(|&groups| groups > 0)
        .ok_or_else(|| layer.wrong(format!("has {groups} groups")))
}

fn convolution(rank: usize, groups: usize, keeps: impl Fn(usize) -> bool) -> Contract {
    let window = |axis| ContractAxis::Window {
        left: axis,
        keeps_constants: keeps(axis - 2),
    };
    let (channel, left) = match groups {
        1 => (ContractAxis::Right(0), vec![1]),
        _ => (
            ContractAxis::Grouped {
                left: 1,
                right: 0,
                groups,
            },
            Vec::new(),
        ),
    };
    Contract {
        output: [ContractAxis::Left(0), channel]
            .into_iter()
            .chain((2..rank).map(window))
            .collect(),
        left,
        right: (1..rank).collect(),
    }
}

/// Images `[batch, C, …]` with weights `[C, out/groups, …]`.
pub(super) fn conv_transpose(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, weight) = (layer.input(0)?, layer.input(1)?);
    let Some(rank) = x.rank().or(weight.rank()).filter(|&rank| rank >= 2) else {
        return Ok(Outcome::Unknown);
    };
    let (dims, kernel) = (
        layer.of_rank(&x.shape, rank)?,
        layer.of_rank(&weight.shape, rank)?,
    );
    let groups = groups(layer)?;
    if let (Some(channels), Some(read)) = (dims[1].number(), kernel[0].number())
        && channels != read
    {
        return Err(layer.wrong(format!(
            "has weights for {read} channels, and reads {channels}"
        )));
    }
    let count = Dim::length(groups);
    let out = kernel[1].times(&count);
    let out = layer.or_fresh(out);
    let windows = Windows::of(layer, &kernel[2..])?;
    let mut result = vec![dims[0].clone(), out.clone()];
    result.extend(windows.transposed_lengths(layer, &dims[2..])?);
    // Windows overlap differently at the edges and between strides.
    let mut contract = convolution(rank, groups, |_| false);
    if groups == 1 {
        contract.output[1] = ContractAxis::Right(1);
        contract.right[0] = 0;
        biased(layer, Rule::Contract(contract), &[&x, &weight], result)?;
        return Ok(Outcome::Known);
    }
    // The weights as those of a convolution: [groups · out/groups, C/groups, …].
    let mut sources = vec![AxisSource::Mixed(vec![0, 1]), AxisSource::Inner(0)];
    sources.extend((2..rank).map(AxisSource::Whole));
    let inner = kernel[0].divided_by(&count);
    let mut turned = vec![out, layer.or_fresh(inner)];
    turned.extend_from_slice(&kernel[2..]);
    let weight = layer.emit(Rule::Rearrange(sources), &[&weight], Some(turned))?;
    biased(layer, Rule::Contract(contract), &[&x, &weight], result)?;
    Ok(Outcome::Known)
}

/// The rule's result, and the bias of each channel that the third input may be.
fn biased(
    layer: &mut Layer,
    rule: Rule,
    inputs: &[&Operand],
    dims: Vec<Dim>,
) -> Result<(), Problem> {
    let Some(bias) = layer.optional(2) else {
        return layer.result(0, rule, inputs, Some(dims));
    };
    let y = layer.emit(rule, inputs, Some(dims.clone()))?;
    let bias = per_channel(layer, &bias, dims.len())?;
    let shape = layer.broadcast(&[&y, &bias])?;
    layer.result(0, Rule::Add, &[&y, &bias], shape)
}

/// A vector `[C]` as it is added to a tensor `[batch, C, …]`.
pub(super) fn per_channel(
    layer: &mut Layer,
    vector: &Operand,
    rank: usize,
) -> Result<Operand, Problem> {
    let length = layer.of_rank(&vector.shape, 1)?.swap_remove(0);
    let mut sources = vec![AxisSource::New; rank];
    let mut dims = vec![Dim::ONE; rank];
    if let (Some(source), Some(dim)) = (sources.get_mut(1), dims.get_mut(1)) {
        (*source, *dim) = (AxisSource::Whole(0), length);
    }
    layer.emit(Rule::Rearrange(sources), &[vector], Some(dims))
}

/// `α A B + β C`, each of A and B perhaps transposed. Factors change no degree.
pub(super) fn gemm(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (a, b) = (layer.input(0)?, layer.input(1)?);
    let (left, right) = (layer.of_rank(&a.shape, 2)?, layer.of_rank(&b.shape, 2)?);
    let turned = |name| usize::from(layer.int(name, 0) != 0);
    let (row, column) = (turned("transA"), 1 - turned("transB"));
    check_summed(layer, &left[1 - row], &right[1 - column])?;
    let rule = Rule::Contract(Contract {
        output: vec![ContractAxis::Left(row), ContractAxis::Right(column)],
        left: vec![1 - row],
        right: vec![1 - column],
    });
    let dims = vec![left[row].clone(), right[column].clone()];
    match layer
        .optional(2)
        .filter(|_| layer.float("beta", 1.0) != 0.0)
    {
        None => layer.result(0, rule, &[&a, &b], Some(dims))?,
        Some(c) => {
            let y = layer.emit(rule, &[&a, &b], Some(dims))?;
            let shape = layer.broadcast(&[&y, &c])?;
            layer.result(0, Rule::Add, &[&y, &c], shape)?;
        }
    }
    Ok(Outcome::Known)
}

fn check_summed(layer: &Layer, left: &Dim, right: &Dim) -> Result<(), Problem> {
    match (left.number(), right.number()) {
        (Some(left), Some(right)) if left != right => Err(layer.wrong(format!(
            "sums over an axis of {left} in one tensor and of {right} in the other"
        ))),
        _ => Ok(()),
    }
}

/// Matrix products, over whatever axes come before the last two.
pub(super) fn matmul(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (a, b) = (layer.input(0)?, layer.input(1)?);
    let (Some(left), Some(right)) = (&a.shape, &b.shape) else {
        return Ok(Outcome::Unknown);
    };
    if left.is_empty() || right.is_empty() {
        return Err(layer.wrong("multiplies a tensor without axes"));
    }
    // Axes before the last two, and the place of the axis that is summed over on the right.
    let (outer_left, outer_right) = (left.len().saturating_sub(2), right.len().saturating_sub(2));
    let (inner_left, inner_right) = (left.len() - 1, outer_right);
    check_summed(layer, &left[inner_left], &right[inner_right])?;
    let outer = outer_left.max(outer_right);
    let (mut output, mut dims) = (Vec::new(), Vec::new());
    let mut summed = (vec![inner_left], vec![inner_right]);
    for place in 0..outer {
        let at = |own: usize| (place + own).checked_sub(outer);
        let (axis, dim) = match (at(outer_left), at(outer_right)) {
            (Some(l), None) => (ContractAxis::Left(l), left[l].clone()),
            (None, Some(r)) => (ContractAxis::Right(r), right[r].clone()),
            (Some(l), Some(r)) if right[r].is_one() && !left[l].is_one() => {
                summed.1.push(r);
                (ContractAxis::Left(l), left[l].clone())
            }
            (Some(l), Some(r)) if left[l].is_one() && !right[r].is_one() => {
                summed.0.push(l);
                (ContractAxis::Right(r), right[r].clone())
            }
            (Some(l), Some(r)) => {
                let dim = layer.join(&left[l], &right[r])?;
                (ContractAxis::Both { left: l, right: r }, dim)
            }
            (None, None) => continue,
        };
        output.push(axis);
        dims.push(dim);
    }
    if left.len() > 1 {
        output.push(ContractAxis::Left(left.len() - 2));
        dims.push(left[left.len() - 2].clone());
    }
    if right.len() > 1 {
        output.push(ContractAxis::Right(right.len() - 1));
        dims.push(right[right.len() - 1].clone());
    }
    let rule = Rule::Contract(Contract {
        output,
        left: summed.0,
        right: summed.1,
    });
    layer.result(0, rule, &[&a, &b], Some(dims))?;
    Ok(Outcome::Known)
}
