//! Constants whose numbers are moved.

use crate::import::known::Known;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::{count, lengths};

/// Positions of all numbers of a tensor, in order: of each, its place along every axis.
pub(super) fn positions(lengths: &[usize]) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    let mut at = vec![0; lengths.len()];
    for _ in 0..count(lengths).unwrap_or(0) {
        all.push(at.clone());
        for axis in (0..at.len()).rev() {
            at[axis] += 1;
            if at[axis] < lengths[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    all
}

/// The place of a number in the order of all.
pub(super) fn place(lengths: &[usize], position: impl IntoIterator<Item = usize>) -> usize {
    let step = |place, (length, at)| place * length + at;
    lengths.iter().copied().zip(position).fold(0, step)
}

/// The numbers at these places.
fn pick(known: &Known, places: impl IntoIterator<Item = usize>) -> Option<Known> {
    let places = places.into_iter();
    match known {
        Known::Ints(ints) => {
            let all: Option<_> = places.map(|place| ints.get(place).cloned()).collect();
            all.map(Known::Ints)
        }
        Known::Floats(floats) => {
            let all: Option<_> = places.map(|place| floats.get(place).copied()).collect();
            all.map(Known::Floats)
        }
        Known::Uniform(number) => Some(Known::Floats(places.map(|_| Some(*number)).collect())),
        Known::Nothing => None,
    }
}

/// As it stands in a tensor of this shape, where axes of length 1 are repeated.
pub(super) fn broadcast(operand: &Operand, to: &[usize]) -> Option<Known> {
    let own = lengths(operand)?;
    let added = to.len().checked_sub(own.len())?;
    let at = |position: Vec<usize>| {
        let clipped = own.iter().zip(&position[added..]);
        let clipped: Vec<usize> = clipped
            .map(|(&length, &at)| at.min(length.saturating_sub(1)))
            .collect();
        place(&own, clipped)
    };
    pick(operand.known.as_deref()?, positions(to).into_iter().map(at))
}

pub(super) fn gather(layer: &Layer, given: &[Operand], to: &[usize]) -> Option<Known> {
    let (data, places) = (given.first()?, given.get(1)?);
    let own = lengths(data)?;
    let axis = layer.axis(layer.int("axis", 0), own.len()).ok()?;
    let chosen = lengths(places)?;
    let numbers = places.numbers()?;
    let length = i64::try_from(own[axis]).ok()?;
    let mut all = Vec::new();
    for position in positions(to) {
        let (before, rest) = position.split_at(axis);
        let (inside, after) = rest.split_at_checked(chosen.len())?;
        let number = *numbers.get(place(&chosen, inside.iter().copied()))?;
        let number = if number < 0 { number + length } else { number };
        let at = usize::try_from(number).ok().filter(|&at| at < own[axis])?;
        let position = before
            .iter()
            .copied()
            .chain([at])
            .chain(after.iter().copied());
        all.push(place(&own, position));
    }
    pick(data.known.as_deref()?, all)
}

pub(super) fn slice(layer: &Layer, given: &[Operand], to: &[usize]) -> Option<Known> {
    let own = lengths(given.first()?)?;
    let (starts, steps) = match layer.opset {
        ..10 => (layer.ints("starts")?.to_vec(), None),
        _ => (given.get(1)?.numbers()?, layer.list("steps", 4, 10).ok()?),
    };
    let axes = match layer.list("axes", 3, 10).ok()? {
        Some(axes) => layer.axes(&axes, own.len()).ok()?,
        None => (0..starts.len().min(own.len())).collect(),
    };
    let mut from: Vec<(i64, i64)> = vec![(0, 1); own.len()];
    for (place, &axis) in axes.iter().enumerate() {
        let step = steps
            .as_ref()
            .map_or(Some(1), |steps| steps.get(place).copied())?;
        let length = i64::try_from(own[axis]).ok()?;
        let start = *starts.get(place)?;
        let start = if start < 0 {
            start.saturating_add(length)
        } else {
            start
        };
        let most = if step > 0 { length } else { length - 1 };
        from[axis] = (start.clamp(0, most.max(0)), step);
    }
    let mut all = Vec::new();
    for position in positions(to) {
        let mut at = Vec::new();
        for (&place, &(start, step)) in position.iter().zip(&from) {
            let place = step
                .checked_mul(i64::try_from(place).ok()?)?
                .checked_add(start)?;
            at.push(usize::try_from(place).ok()?);
        }
        all.push(place(&own, at));
    }
    pick(given.first()?.known.as_deref()?, all)
}

pub(super) fn transpose(layer: &Layer, given: &[Operand], to: &[usize]) -> Option<Known> {
    let own = lengths(given.first()?)?;
    let axes = match layer.ints("perm") {
        Some(axes) => layer.axes(axes, own.len()).ok()?,
        None => (0..own.len()).rev().collect(),
    };
    let at = |position: Vec<usize>| {
        let mut turned = vec![0; own.len()];
        for (&axis, at) in axes.iter().zip(position) {
            turned[axis] = at;
        }
        place(&own, turned)
    };
    pick(
        given.first()?.known.as_deref()?,
        positions(to).into_iter().map(at),
    )
}

pub(super) fn concat(layer: &Layer, given: &[Operand], to: &[usize]) -> Option<Known> {
    let axis = layer.axis(layer.int("axis", 1), to.len()).ok()?;
    let mut pieces = Vec::new();
    for operand in given {
        pieces.push((lengths(operand)?, operand.known.as_deref()?));
    }
    let (mut ints, mut floats) = (Vec::new(), Vec::new());
    let mut owners = Vec::new();
    for (piece, (own, _)) in pieces.iter().enumerate() {
        owners.extend((0..*own.get(axis)?).map(|at| (piece, at)));
    }
    for mut position in positions(to) {
        let &(piece, at) = owners.get(position[axis])?;
        position[axis] = at;
        let (own, known) = &pieces[piece];
        let place = place(own, position);
        match known {
            Known::Ints(own) => ints.push(own.get(place)?.clone()),
            Known::Floats(own) => floats.push(*own.get(place)?),
            Known::Uniform(number) => floats.push(Some(*number)),
            Known::Nothing => return None,
        }
    }
    match (ints.is_empty(), floats.is_empty()) {
        (_, true) => Some(Known::Ints(ints)),
        (true, false) => Some(Known::Floats(floats)),
        (false, false) => None,
    }
}
