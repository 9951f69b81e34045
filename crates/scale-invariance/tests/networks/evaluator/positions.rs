//! Rules that look at many positions at once: contractions, normalisations, rearrangements.

use std::collections::BTreeMap;

use nn_graph::network::{AxisSource, Contract, ContractAxis, Normalise};

use super::array::{Array, Degenerate, index, indices, sum};
use super::windowed;

/// Which axis of the right input goes with each summed axis of the left.
///
/// Of the right's summed axes the first is the one within a group, if there are groups; the last are those of the
/// windows; those between go with the left's summed axes, in order.
struct Pairs {
    within: Option<usize>,
    kernels: Vec<usize>,
    left: Vec<Option<usize>>,
    right: Vec<usize>,
}

impl Pairs {
    fn of(rule: &Contract) -> Self {
        let is =
            |wanted: fn(&ContractAxis) -> bool| rule.output.iter().filter(|a| wanted(a)).count();
        let windows = is(|axis| matches!(axis, ContractAxis::Window { .. }));
        let groups = is(|axis| matches!(axis, ContractAxis::Grouped { .. }));
        let (within, rest) = rule.right.split_at(groups);
        let (right, kernels) = rest.split_at(rest.len() - windows);
        Self {
            within: within.first().copied(),
            kernels: kernels.to_vec(),
            left: (0..right.len())
                .map(|k| rule.left.get(k).copied())
                .collect(),
            right: right.to_vec(),
        }
    }
}

pub(crate) fn contract(rule: &Contract, left: &Array, right: &Array, lengths: &[usize]) -> Array {
    let pairs = Pairs::of(rule);
    let axes = pairs
        .within
        .iter()
        .chain(&pairs.right)
        .chain(&pairs.kernels);
    let summed: Vec<usize> = axes.map(|&axis| right.lengths[axis]).collect();
    let first = usize::from(pairs.within.is_some());
    let windows = first + pairs.right.len();
    Array::of(lengths, |at| {
        sum(indices(&summed).map(|s| {
            let (mut l, mut r) = (vec![0; left.lengths.len()], vec![0; right.lengths.len()]);
            let mut kernels = pairs.kernels.iter().zip(&s[windows..]);
            for (place, axis) in rule.output.iter().enumerate() {
                match *axis {
                    ContractAxis::Left(a) => l[a] = at[place],
                    ContractAxis::Right(a) => r[a] = at[place],
                    ContractAxis::Both { left: a, right: b } => {
                        (l[a], r[b]) = (at[place], at[place])
                    }
                    ContractAxis::Grouped {
                        left: a,
                        right: b,
                        groups,
                    } => {
                        let group = at[place] * groups / lengths[place];
                        l[a] = group * (left.lengths[a] / groups) + s[0];
                        r[b] = at[place];
                    }
                    ContractAxis::Window {
                        left: a,
                        keeps_constants,
                    } => {
                        let (&kernel, &u) = kernels.next().expect("a kernel");
                        r[kernel] = u;
                        let counts = (left.lengths[a], lengths[place], right.lengths[kernel]);
                        match windowed(counts, keeps_constants, (at[place], u)) {
                            Some(from) => l[a] = from,
                            None => return 0.0,
                        }
                    }
                }
            }
            for (k, (a, &b)) in pairs.left.iter().zip(&pairs.right).enumerate() {
                r[b] = s[first + k];
                if let Some(a) = a {
                    l[*a] = s[first + k];
                }
            }
            if let Some(within) = pairs.within {
                r[within] = s[0];
            }
            left.at(&l) * right.at(&r)
        }))
    })
}

/// Of numbers that are equal but for rounding 0, as if an `ε` were there.
pub(crate) fn normalise(rule: &Normalise, x: &Array) -> Result<Array, Degenerate> {
    let class = |index: &[usize]| -> Vec<usize> {
        let place = |(axis, &i): (usize, &usize)| match rule.grouped {
            Some(grouped) if grouped.axis == axis => i * grouped.groups / x.lengths[axis],
            _ if rule.axes.contains(&axis) => 0,
            _ => i,
        };
        index.iter().enumerate().map(place).collect()
    };
    let mut classes: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for (place, index) in indices(&x.lengths).enumerate() {
        classes.entry(class(&index)).or_default().push(place);
    }
    let mut y = x.clone();
    for places in classes.values() {
        let all: Vec<f64> = places.iter().map(|&place| x.numbers[place]).collect();
        let count = all.len() as f64;
        let mean = match rule.centres {
            true => sum(all.iter().copied()) / count,
            false => 0.0,
        };
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let size = all.iter().map(|x| x * x).sum::<f64>() / count;
        let inverse = match variance / size {
            _ if size == 0.0 => 0.0,
            share if share < 1e-20 => 0.0,
            share if share < 1e-5 => return Err(Degenerate),
            _ => variance.sqrt().recip(),
        };
        for &place in places {
            y.numbers[place] = sum([x.numbers[place], -mean]) * inverse;
        }
    }
    Ok(y)
}

/// Along every axis of the input, the position is told by those axes of the result that name it.
pub(crate) fn rearrange(
    sources: &[AxisSource],
    flavour: u8,
    x: &Array,
    lengths: &[usize],
) -> Array {
    let flavour = usize::from(flavour);
    Array::of(lengths, |at| {
        let mut from = vec![0; x.lengths.len()];
        for (axis, from) in from.iter_mut().enumerate() {
            let length = x.lengths[axis];
            let naming = sources.iter().enumerate();
            let mut naming: Vec<(usize, &AxisSource)> =
                naming.filter(|(_, s)| s.axes().contains(&axis)).collect();
            let is_whole = |s: &AxisSource| matches!(s, AxisSource::Whole(_));
            if naming.iter().any(|(_, s)| is_whole(s)) {
                naming.retain(|(_, s)| is_whole(s));
            }
            let is_mixed = naming
                .iter()
                .any(|(_, s)| matches!(s, AxisSource::Mixed(_)));
            if is_mixed || naming.is_empty() {
                let mix =
                    |mix, (place, _): &(usize, _)| mix * 7 + at[*place] * (axis + 1) + mix / 3;
                *from = naming.iter().fold(flavour, mix) % length;
                continue;
            }
            *from = 0;
            for (place, source) in naming {
                let i = at[place];
                match source {
                    AxisSource::Part(_) => *from = (i + flavour) * [1, 2, 3][flavour % 3] % length,
                    AxisSource::Padded(_) => {
                        let before = flavour % (lengths[place] - length + 1);
                        match i.checked_sub(before) {
                            Some(i) if i < length => *from = i,
                            _ => return 0.0,
                        }
                    }
                    AxisSource::Merged(axes) => {
                        let own: Vec<usize> = axes.iter().map(|&axis| x.lengths[axis]).collect();
                        let order = axes.iter().position(|&a| a == axis).expect("named");
                        *from = index(i, &own)[order];
                    }
                    // Outermost first.
                    _ => *from = *from * lengths[place] + i,
                }
            }
        }
        x.at(&from)
    })
}
