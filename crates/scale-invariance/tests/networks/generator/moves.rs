//! What a step of a random network may be: what looks at many positions, or moves them.

use nn_graph::network::{AxisSource, Reduce, Reduction, Rule, TensorId, Window};

use super::{Dice, Maker};

pub(crate) fn softmax(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let lengths = maker.of(x);
    let axis = lengths
        .len()
        .checked_sub(1)?
        .checked_sub(dice.pick(lengths.len()))?;
    maker.push(Rule::Softmax { axis }, &[x], lengths, dice)
}

pub(crate) fn reduce(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let lengths = maker.of(x);
    let axes = maker.axes(&lengths, dice);
    let by = [
        Reduction::Mean,
        Reduction::Sum,
        Reduction::Homogeneous,
        Reduction::Norm,
        Reduction::SumOfSquares,
    ][dice.pick(5)];
    let keeps_axes = dice.one_in(2);
    let places = lengths.iter().enumerate();
    let reduced = places.filter_map(|(axis, &length)| match axes.contains(&axis) {
        true => keeps_axes.then_some(1),
        false => Some(length),
    });
    let reduced = reduced.collect();
    maker.push(
        Rule::Reduce(Reduce {
            axes,
            keeps_axes,
            by,
        }),
        &[x],
        reduced,
        dice,
    )
}

pub(crate) fn window(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let mut lengths = maker.of(x);
    let axes = maker.axes(&lengths, dice);
    let (keeps_constants, linear) = (!dice.one_in(3), dice.one_in(2));
    let is_padded = !keeps_constants || dice.one_in(2);
    for &axis in &axes {
        if !is_padded && lengths[axis] > 1 {
            lengths[axis] -= 1;
        }
    }
    maker.push(
        Rule::Window(Window {
            axes,
            keeps_constants,
            linear,
        }),
        &[x],
        lengths,
        dice,
    )
}

pub(crate) fn rearrange(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let mut lengths = maker.of(x);
    let mut sources: Vec<AxisSource> = (0..lengths.len()).map(AxisSource::Whole).collect();
    let axis = dice.pick(lengths.len());
    let kind = if lengths.is_empty() { 0 } else { dice.pick(9) };
    match kind {
        0 => {
            let place = dice.pick(lengths.len() + 1);
            sources.insert(place, AxisSource::New);
            lengths.insert(place, 1 + dice.pick(3));
        }
        1 | 2 => {
            let other = dice.pick(lengths.len());
            sources.swap(axis, other);
            lengths.swap(axis, other);
        }
        3 => {
            sources[axis] = AxisSource::Part(axis);
            lengths[axis] = (lengths[axis] + dice.pick(3)).saturating_sub(1).max(1);
        }
        4 => {
            sources[axis] = AxisSource::Padded(axis);
            lengths[axis] += 1 + dice.pick(2);
        }
        5 if lengths[axis].is_multiple_of(2) => {
            let (outer, inner) = if dice.one_in(2) {
                (lengths[axis] / 2, 2)
            } else {
                (2, lengths[axis] / 2)
            };
            sources[axis] = AxisSource::Outer(axis);
            sources.insert(axis + 1, AxisSource::Inner(axis));
            lengths[axis] = outer;
            lengths.insert(axis + 1, inner);
        }
        6 if lengths.len() > 1 => {
            let other = (axis + 1 + dice.pick(lengths.len() - 1)) % lengths.len();
            sources[axis] = AxisSource::Merged(vec![axis, other]);
            lengths[axis] *= lengths[other];
            sources.remove(other);
            lengths.remove(other);
        }
        7 => {
            let other = dice.pick(lengths.len());
            sources[axis] = AxisSource::Mixed(vec![axis, other]);
            if dice.one_in(2) {
                sources[other] = AxisSource::Mixed(vec![axis]);
            }
        }
        _ => {
            sources.remove(axis);
            lengths.remove(axis);
        }
    }
    maker.push(Rule::Rearrange(sources), &[x], lengths, dice)
}

pub(crate) fn concat(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let mut lengths = maker.of(x);
    let axis = dice.pick(lengths.len());
    let fits = |other: &[usize]| {
        other.len() == lengths.len()
            && (0..other.len()).all(|place| place == axis || other[place] == lengths[place])
    };
    if lengths.is_empty() {
        return None;
    }
    let y = match dice.one_in(2) {
        true => maker.any(dice, fits)?,
        false => {
            let mut other = lengths.clone();
            other[axis] = 1 + dice.pick(2);
            maker.source(&other, dice)
        }
    };
    lengths[axis] += maker.of(y)[axis];
    let inputs = if dice.one_in(2) { [y, x] } else { [x, y] };
    maker.push(Rule::Concat { axis }, &inputs, lengths, dice)
}
