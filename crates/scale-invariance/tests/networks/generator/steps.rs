//! What a step of a random network may be: elementwise operations, products and normalisations.

use nn_graph::network::{
    Contract, ContractAxis, Grouped, Normalise, Reduce, Reduction, Rule, TensorId,
};

use super::{Dice, Maker, moves};

/// Makes one step, if it fits.
pub(crate) fn step(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    match dice.pick(24) {
        0..5 => elementwise(maker, dice),
        5..7 => unary(maker, dice),
        7..10 => contraction(maker, dice),
        10 => product(maker, dice),
        11..14 => normalise(maker, dice),
        14 => written_out(maker, dice),
        15 => moves::softmax(maker, dice),
        16..18 => moves::reduce(maker, dice),
        18..20 => moves::window(maker, dice),
        20..22 => moves::rearrange(maker, dice),
        _ => moves::concat(maker, dice),
    }
}

fn broadcast(left: &[usize], right: &[usize]) -> Option<Vec<usize>> {
    let rank = left.len().max(right.len());
    let at = |lengths: &[usize], axis: usize| {
        (axis + lengths.len())
            .checked_sub(rank)
            .map_or(1, |own| lengths[own])
    };
    (0..rank)
        .map(|axis| match (at(left, axis), at(right, axis)) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        })
        .collect()
}

/// Something that broadcasts with these lengths.
fn partner(maker: &mut Maker, lengths: &[usize], dice: &mut Dice) -> Option<TensorId> {
    match dice.pick(3) {
        2 => maker.any(dice, |other| broadcast(lengths, other).is_some()),
        _ => {
            let mask = dice.pick(16);
            let lengths = lengths.iter().enumerate();
            let thin =
                lengths.map(|(axis, &length)| if mask >> axis & 1 == 1 { 1 } else { length });
            let thin: Vec<usize> = thin.collect();
            let ones = thin.iter().take_while(|&&length| length == 1).count();
            let dropped = dice.pick(ones + 1);
            Some(maker.source(&thin[dropped..], dice))
        }
    }
}

fn elementwise(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let rules = [
        Rule::Add,
        Rule::Add,
        Rule::Add,
        Rule::Multiply,
        Rule::Multiply,
        Rule::Subtract,
        Rule::Homogeneous,
        Rule::Gate,
        Rule::Divide,
    ];
    let rule = rules[dice.pick(rules.len())].clone();
    let y = partner(maker, &maker.of(x), dice)?;
    let lengths = broadcast(&maker.of(x), &maker.of(y))?;
    let mut inputs = if dice.one_in(3) {
        vec![y, x]
    } else {
        vec![x, y]
    };
    let mut lengths = lengths;
    if rule == Rule::Gate && dice.one_in(2) {
        let z = partner(maker, &lengths, dice)?;
        lengths = broadcast(&lengths, &maker.of(z))?;
        inputs.push(z);
    }
    maker.push(rule, &inputs, lengths, dice)
}

fn unary(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let power = |numerator, denominator| Rule::Power {
        numerator,
        denominator,
    };
    let rules = [
        Rule::Homogeneous,
        Rule::Homogeneous,
        Rule::Linear,
        Rule::Copy,
        power(2, 1),
        power(1, 2),
        power(-1, 1),
        Rule::Insensitive,
        Rule::Nonlinear,
        Rule::Unknown,
    ];
    let rule = rules[dice.pick(rules.len())].clone();
    let lengths = maker.of(x);
    maker.push(rule, &[x], lengths, dice)
}

/// With a new tensor, along whose axes each axis of the other is summed, matched, or kept.
fn contraction(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let (mut output, mut left) = (Vec::new(), Vec::new());
    let (mut own, mut within, mut kernels, mut lengths) =
        (Vec::new(), None, Vec::new(), Vec::new());
    for (axis, &length) in maker.of(x).iter().enumerate() {
        match dice.pick(8) {
            4 => left.push((axis, length)),
            5 => {
                output.push(ContractAxis::Both {
                    left: axis,
                    right: own.len(),
                });
                own.push(length);
                lengths.push(length);
            }
            6 if length.is_multiple_of(2) && within.is_none() => {
                let groups = if dice.one_in(2) { length } else { 2 };
                let out = groups * (1 + dice.pick(2));
                output.push(ContractAxis::Grouped {
                    left: axis,
                    right: own.len(),
                    groups,
                });
                own.push(out);
                lengths.push(out);
                within = Some(length / groups);
            }
            7 if length > 1 => {
                let keeps_constants = dice.one_in(2);
                output.push(ContractAxis::Window {
                    left: axis,
                    keeps_constants,
                });
                kernels.push(2);
                lengths.push(if keeps_constants { length - 1 } else { length });
            }
            _ => {
                output.push(ContractAxis::Left(axis));
                lengths.push(length);
            }
        }
    }
    if dice.one_in(2) || own.is_empty() && left.is_empty() {
        let length = [1, 2, 4][dice.pick(3)];
        let place = dice.pick(output.len() + 1);
        output.insert(place, ContractAxis::Right(own.len()));
        own.push(length);
        lengths.insert(place, length);
    }
    let summed = own.len();
    own.extend(
        within
            .into_iter()
            .chain(left.iter().map(|(_, length)| *length))
            .chain(kernels),
    );
    let rule = Contract {
        output,
        left: left.iter().map(|(axis, _)| *axis).collect(),
        right: (summed..own.len()).collect(),
    };
    let weight = weight(maker, &own, dice)?;
    maker.push(Rule::Contract(rule), &[x, weight], lengths, dice)
}

/// A new tensor of these lengths, perhaps the same along some axes, perhaps a sum.
fn weight(maker: &mut Maker, lengths: &[usize], dice: &mut Dice) -> Option<TensorId> {
    let weight = maker.source(lengths, dice);
    if !dice.one_in(4) {
        return Some(weight);
    }
    let other = partner(maker, lengths, dice)?;
    let whole = broadcast(lengths, &maker.of(other)).filter(|whole| whole == lengths)?;
    let rule = if dice.one_in(2) {
        Rule::Multiply
    } else {
        Rule::Add
    };
    maker.push(rule, &[weight, other], whole, dice)
}

/// Of two tensors that are there, such as queries and keys.
fn product(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let y = maker.any(dice, |lengths| !lengths.is_empty())?;
    let (of_x, of_y) = (maker.of(x), maker.of(y));
    let mut role = vec![None; of_x.len()];
    let (mut free, mut pairs) = (Vec::new(), Vec::new());
    for (right, &length) in of_y.iter().enumerate() {
        let same = (0..of_x.len()).filter(|&axis| of_x[axis] == length && role[axis].is_none());
        let same: Vec<usize> = same.collect();
        match (same.get(dice.pick(same.len())), dice.pick(3)) {
            (Some(&axis), 0) => {
                role[axis] = Some(None);
                pairs.push((axis, right));
            }
            (Some(&axis), 1) => role[axis] = Some(Some(right)),
            _ => free.push(right),
        }
    }
    let (mut output, mut lengths) = (Vec::new(), Vec::new());
    for (left, role) in role.iter().enumerate() {
        output.push(match role {
            None => ContractAxis::Left(left),
            Some(Some(right)) => ContractAxis::Both {
                left,
                right: *right,
            },
            Some(None) => continue,
        });
        lengths.push(of_x[left]);
    }
    for right in free {
        output.push(ContractAxis::Right(right));
        lengths.push(of_y[right]);
    }
    let (left, right) = pairs.into_iter().unzip();
    let rule = Contract {
        output,
        left,
        right,
    };
    maker.push(Rule::Contract(rule), &[x, y], lengths, dice)
}

fn normalise(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let x = maker.latest(dice);
    let lengths = maker.of(x);
    let mut axes = maker.axes(&lengths, dice);
    let even: Vec<usize> = (0..lengths.len())
        .filter(|&axis| lengths[axis].is_multiple_of(2))
        .collect();
    let grouped = match even.get(dice.pick(even.len())) {
        Some(&axis) if dice.one_in(2) => Some(Grouped { axis, groups: 2 }),
        _ => None,
    };
    axes.retain(|&axis| grouped.is_none_or(|grouped| grouped.axis != axis));
    let centres = !dice.one_in(4);
    let rule = Rule::Normalise(Normalise {
        axes,
        grouped,
        centres,
    });
    maker.push(rule, &[x], lengths, dice)
}

/// A normalisation in pieces, with its `ε`; perhaps without its centre, perhaps by a norm, perhaps inverted first.
fn written_out(maker: &mut Maker, dice: &mut Dice) -> Option<TensorId> {
    let mut x = maker.latest(dice);
    let whole = maker.of(x);
    let axes = maker.axes(&whole, dice);
    let mut thin = whole.clone();
    axes.iter().for_each(|&axis| thin[axis] = 1);
    let reduce = |by| {
        Rule::Reduce(Reduce {
            axes: axes.clone(),
            keeps_axes: true,
            by,
        })
    };
    let power = |numerator, denominator| Rule::Power {
        numerator,
        denominator,
    };
    if !dice.one_in(3) {
        let mean = maker.push(reduce(Reduction::Mean), &[x], thin.clone(), dice)?;
        x = maker.push(Rule::Subtract, &[x, mean], whole.clone(), dice)?;
    }
    let statistic = match dice.pick(3) {
        0 => {
            let square = maker.push(power(2, 1), &[x], whole.clone(), dice)?;
            maker.push(reduce(Reduction::Mean), &[square], thin.clone(), dice)?
        }
        1 => {
            let square = maker.push(Rule::Multiply, &[x, x], whole.clone(), dice)?;
            maker.push(reduce(Reduction::Sum), &[square], thin.clone(), dice)?
        }
        _ => maker.push(reduce(Reduction::SumOfSquares), &[x], thin.clone(), dice)?,
    };
    if dice.one_in(4) {
        // Beside the inverse, which may be small, a small number is no ε.
        let inverse = match dice.one_in(2) {
            true => maker.push(power(-1, 2), &[statistic], thin.clone(), dice)?,
            false => {
                let one = maker.one();
                maker.push(Rule::Divide, &[one, statistic], thin.clone(), dice)?
            }
        };
        let small = maker.small();
        return maker.push(Rule::Add, &[inverse, small], thin, dice);
    }
    let epsilon = maker.epsilon();
    let safe = maker.push(Rule::Add, &[statistic, epsilon], thin.clone(), dice)?;
    let deviation = maker.push(power(1, 2), &[safe], thin, dice)?;
    maker.push(Rule::Divide, &[x, deviation], whole, dice)
}
