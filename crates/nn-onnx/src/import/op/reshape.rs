//! Operators that give the same numbers, in the same order, other axes.

use nn_graph::network::AxisSource;

use crate::Problem;
use crate::import::dim::{Dim, product};
use crate::import::layer::Layer;

use super::{Import, Outcome};

pub(super) fn find(operator: &str) -> Option<Import> {
    Some(match operator {
        "Reshape" => reshape,
        "Flatten" => flatten,
        "Squeeze" => squeeze,
        "Unsqueeze" => unsqueeze,
        _ => return None,
    })
}

fn reshape(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, target) = (layer.input(0)?, layer.input(1)?);
    let Some(dims) = x.shape.clone() else {
        return Ok(Outcome::Unknown);
    };
    let Some(asked) = target.ints() else {
        let length = target.shape.and_then(|dims| dims.first()?.extent());
        let Some(rank) = length.filter(|&rank| rank <= crate::read::MOST_AXES) else {
            return Ok(Outcome::Unknown);
        };
        let all: Vec<usize> = (0..dims.len()).collect();
        let result = (0..rank).map(|_| layer.fresh()).collect();
        layer.rearrange(&x, vec![AxisSource::Mixed(all); rank], result)?;
        return Ok(Outcome::Known);
    };
    let result = resolve(layer, &dims, asked)?;
    let sources = axis_sources(&dims, &result);
    layer.rearrange(&x, sources, result)?;
    Ok(Outcome::Known)
}

/// The shape that is asked for, where 0 stands for the length that an axis has, and −1 for what is left.
fn resolve(layer: &mut Layer, dims: &[Dim], asked: &[Dim]) -> Result<Vec<Dim>, Problem> {
    let zero_is_zero = layer.int("allowzero", 0) != 0;
    let (mut result, mut left) = (Vec::new(), None);
    for (place, dim) in asked.iter().enumerate() {
        let number = dim.number();
        let length = match (number, dims.get(place)) {
            (Some(0), Some(own)) if !zero_is_zero => own.clone(),
            (Some(0), None) if !zero_is_zero => {
                return Err(
                    layer.wrong(format!("keeps axis {place}, which its input does not have"))
                );
            }
            (Some(-1), _) if left.is_none() => {
                left = Some(place);
                Dim::ONE
            }
            (Some(negative), _) if negative < 0 => {
                return Err(layer.wrong(format!("makes an axis of the length {negative}")));
            }
            _ => dim.clone(),
        };
        result.push(length);
    }
    let (have, made) = (product(dims), product(&result));
    let whole = have
        .as_ref()
        .zip(made.as_ref())
        .map(|(have, made)| (have.number(), made.number()));
    match (whole, left) {
        (Some((Some(have), Some(made))), _) if made == 0 && have == 0 => {}
        (Some((Some(have), Some(made))), left)
            if (left.is_none() && have != made)
                || (left.is_some() && (made == 0 || have % made != 0)) =>
        {
            return Err(layer.wrong(format!("makes {made} numbers of {have}, which cannot be")));
        }
        _ => {}
    }
    if let Some(place) = left {
        let rest = have
            .zip(made)
            .and_then(|(have, made)| have.divided_by(&made));
        result[place] = layer.or_fresh(rest);
    }
    Ok(result)
}

fn flatten(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(dims) = x.shape.clone() else {
        return Ok(Outcome::Unknown);
    };
    let axis = layer.int("axis", 1);
    // One past the last axis is allowed.
    let axis = match usize::try_from(axis) {
        Ok(axis) if axis == dims.len() => axis,
        _ => layer.axis(axis, dims.len())?,
    };
    let (outer, inner) = dims.split_at(axis);
    let result = vec![
        layer.or_fresh(product(outer)),
        layer.or_fresh(product(inner)),
    ];
    let sources = axis_sources(&dims, &result);
    layer.rearrange(&x, sources, result)?;
    Ok(Outcome::Known)
}

fn squeeze(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let (Some(dims), Ok(axes)) = (x.shape.clone(), layer.list("axes", 1, 13)) else {
        return Ok(Outcome::Unknown);
    };
    let removed = match axes {
        Some(axes) => layer.axes(&axes, dims.len())?,
        // Axes that may have the length 1 may be removed: then not even their number is known.
        None if dims.iter().any(|dim| dim.number().is_none()) => return Ok(Outcome::Unknown),
        None => (0..dims.len())
            .filter(|&axis| dims[axis].is_one())
            .collect(),
    };
    for &axis in &removed {
        if let Some(length) = dims[axis].number().filter(|&length| length != 1) {
            return Err(layer.wrong(format!(
                "removes axis {axis}, which has the length {length}"
            )));
        }
    }
    let kept: Vec<usize> = (0..dims.len())
        .filter(|axis| !removed.contains(axis))
        .collect();
    let result = kept.iter().map(|&axis| dims[axis].clone()).collect();
    layer.rearrange(
        &x,
        kept.into_iter().map(AxisSource::Whole).collect(),
        result,
    )?;
    Ok(Outcome::Known)
}

fn unsqueeze(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let (Some(dims), Ok(axes)) = (x.shape.clone(), layer.list("axes", 1, 13)) else {
        return Ok(Outcome::Unknown);
    };
    let axes = axes.ok_or_else(|| layer.wrong("does not say where the new axes are"))?;
    let added = layer.axes(&axes, dims.len() + axes.len())?;
    let mut own = dims.iter().cloned().enumerate();
    let (mut sources, mut result) = (Vec::new(), Vec::new());
    for place in 0..dims.len() + axes.len() {
        let next = if added.contains(&place) {
            None
        } else {
            own.next()
        };
        let (source, dim) = match next {
            Some((axis, dim)) => (AxisSource::Whole(axis), dim),
            None => (AxisSource::New, Dim::ONE),
        };
        sources.push(source);
        result.push(dim);
    }
    layer.rearrange(&x, sources, result)?;
    Ok(Outcome::Known)
}

/// What the axes of a reshaped tensor are made of.
///
/// An axis stands for the positions that differ by its stride: from the product of the lengths after it to the same
/// times its own. So axes are intervals of such products, ordered by "divides", and an axis of the result is
/// made of those whose intervals overlap its own. What is not known to be apart is taken to overlap.
pub(super) fn axis_sources(from: &[Dim], to: &[Dim]) -> Vec<AxisSource> {
    let (Some(read), Some(made)) = (strides(from), strides(to)) else {
        return vec![AxisSource::Mixed((0..from.len()).collect()); to.len()];
    };
    let divides = |a: &Dim, b: &Dim| b.divided_by(a).is_some();
    let source = |place: usize| {
        if to[place].is_one() {
            return AxisSource::New;
        }
        let (high, low) = (&made[place], &made[place + 1]);
        let apart = |axis: usize| divides(&read[axis], low) || divides(high, &read[axis + 1]);
        let touched: Vec<usize> = (0..from.len())
            .filter(|&axis| !from[axis].is_one() && !apart(axis))
            .collect();
        let (Some(&first), Some(&last)) = (touched.first(), touched.last()) else {
            return AxisSource::Mixed((0..from.len()).collect());
        };
        let (starts, ends) = (read[first] == *high, read[last + 1] == *low);
        let inside = divides(high, &read[first]) && divides(&read[last + 1], low);
        match touched.len() {
            1 if starts && ends => AxisSource::Whole(first),
            1 if starts && inside => AxisSource::Outer(first),
            1 if inside => AxisSource::Inner(first),
            2.. if starts && ends => AxisSource::Merged(touched),
            _ => AxisSource::Mixed(touched),
        }
    };
    (0..to.len()).map(source).collect()
}

/// For each axis the number of positions from it on, and 1; `None` if there are none, or too many.
fn strides(dims: &[Dim]) -> Option<Vec<Dim>> {
    let mut strides = vec![Dim::ONE];
    for dim in dims.iter().rev() {
        let stride = strides.last()?.times(dim)?;
        if stride.number().is_some_and(|stride| stride <= 0) {
            return None;
        }
        strides.push(stride);
    }
    strides.reverse();
    Some(strides)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::import::dim::Symbols;

    /// Lengths, each as a number and as a `Dim`: products of atoms that may be symbols.
    type Axes = Vec<(usize, Dim)>;

    /// Two shapes of as many numbers, made of the same atoms: in the same order, or with two exchanged.
    fn shapes() -> impl Strategy<Value = (Axes, Axes)> {
        let atom = (
            prop::sample::select(vec![1usize, 2, 2, 3, 5]),
            any::<bool>(),
        );
        let cuts = || prop::collection::vec(0..6usize, 0..4);
        let exchange = prop::option::of((0..6usize, 0..6usize));
        (prop::collection::vec(atom, 0..6), cuts(), cuts(), exchange).prop_map(
            |(atoms, cuts, others, exchange)| {
                let mut symbols = Symbols::default();
                let mut atoms: Vec<(usize, Dim)> = atoms
                    .into_iter()
                    .map(|(length, symbol)| match symbol {
                        true => (length, symbols.fresh()),
                        false => (length, Dim::length(length)),
                    })
                    .collect();
                let from = cut(&atoms, cuts);
                if let Some((a, b)) = exchange
                    && a.max(b) < atoms.len()
                {
                    atoms.swap(a, b);
                }
                (from, cut(&atoms, others))
            },
        )
    }

    fn cut(atoms: &[(usize, Dim)], mut cuts: Vec<usize>) -> Axes {
        cuts.retain(|&cut| cut <= atoms.len());
        cuts.extend([0, atoms.len()]);
        cuts.sort_unstable();
        let axis = |pair: &[usize]| {
            let atoms = &atoms[pair[0]..pair[1]];
            let length = atoms.iter().map(|(length, _)| length).product();
            let dim = product(atoms.iter().map(|(_, dim)| dim)).expect("few symbols");
            (length, dim)
        };
        cuts.windows(2).map(axis).collect()
    }

    fn position(mut place: usize, lengths: &[usize]) -> Vec<usize> {
        let mut position: Vec<usize> = lengths
            .iter()
            .rev()
            .map(|length| {
                let at = place % length;
                place /= length;
                at
            })
            .collect();
        position.reverse();
        position
    }

    proptest! {
        /// What is said of an axis holds at every position.
        #[test]
        fn axes_come_from_where_they_are_said_to((from, to) in shapes()) {
            let dims = |axes: &Axes| axes.iter().map(|(_, dim)| dim.clone()).collect::<Vec<_>>();
            let lengths = |axes: &Axes| axes.iter().map(|(length, _)| *length).collect::<Vec<_>>();
            let sources = axis_sources(&dims(&from), &dims(&to));
            let (from, to) = (lengths(&from), lengths(&to));
            let count: usize = from.iter().product();
            for (axis, source) in sources.iter().enumerate() {
                let mut seen = std::collections::HashMap::new();
                for place in 0..count {
                    let (read, made) = (position(place, &from), position(place, &to)[axis]);
                    let own: Vec<usize> = source.axes().iter().map(|&axis| read[axis]).collect();
                    let fits = match source {
                        AxisSource::New => made == 0,
                        AxisSource::Whole(_) => made == own[0],
                        AxisSource::Outer(of) => made == own[0] * to[axis] / from[*of],
                        AxisSource::Merged(axes) => {
                            let join = |place, (&axis, at): (&usize, &usize)| place * from[axis] + at;
                            made == axes.iter().zip(&own).fold(0, join)
                        }
                        _ => true,
                    };
                    prop_assert!(fits, "{from:?} to {to:?}: axis {axis} is not {source:?}");
                    let before = *seen.entry(own).or_insert(made);
                    prop_assert_eq!(before, made, "{:?} to {:?}: axis {} is more than {:?}", from, to, axis, source);
                }
            }
        }
    }

    /// With the least that there is to say.
    #[test]
    fn common_forms() {
        let mut symbols = Symbols::default();
        let (n, l) = (symbols.fresh(), symbols.fresh());
        let of = Dim::known;
        let times = |a: &Dim, b: &Dim| a.times(b).expect("small");
        use AxisSource::{Inner, Merged, Mixed, Outer, Whole};
        let check = |from: &[&Dim], to: &[&Dim], expected: &[AxisSource]| {
            let own = |dims: &[&Dim]| dims.iter().map(|&dim| dim.clone()).collect::<Vec<_>>();
            assert_eq!(
                axis_sources(&own(from), &own(to)),
                expected,
                "{from:?} to {to:?}"
            );
        };
        // Heads, and back.
        check(
            &[&n, &l, &of(8)],
            &[&n, &l, &of(2), &of(4)],
            &[Whole(0), Whole(1), Outer(2), Inner(2)],
        );
        check(
            &[&n, &l, &of(2), &of(4)],
            &[&n, &l, &of(8)],
            &[Whole(0), Whole(1), Merged(vec![2, 3])],
        );
        // Rows, and back.
        check(
            &[&n, &l, &of(8)],
            &[&times(&n, &l), &of(8)],
            &[Merged(vec![0, 1]), Whole(2)],
        );
        check(
            &[&times(&n, &l), &of(8)],
            &[&n, &l, &of(8)],
            &[Outer(0), Inner(0), Whole(1)],
        );
        // Groups of channels.
        check(
            &[&n, &of(8), &l],
            &[&n, &of(2), &times(&of(4), &l)],
            &[Whole(0), Outer(1), Mixed(vec![1, 2])],
        );
        check(
            &[&n, &of(8), &l],
            &[&times(&n, &of(2)), &of(4), &l],
            &[Mixed(vec![0, 1]), Inner(1), Whole(2)],
        );
        // A length that is not known to be a part of another.
        check(&[&n, &of(8)], &[&l, &of(4)], &[Mixed(vec![0, 1]), Inner(1)]);
        check(
            &[&of(2), &of(3)],
            &[&of(3), &of(2)],
            &[Mixed(vec![0, 1]), Mixed(vec![0, 1])],
        );
    }
}
