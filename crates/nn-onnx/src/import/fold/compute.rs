//! Constants that are computed from others.

use crate::import::dim::{Dim, Symbols};
use crate::import::known::Known;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::arrange::{broadcast, place, positions};
use super::lengths;

/// An operator on each number of its inputs, which broadcast.
pub(super) fn elementwise(layer: &mut Layer, given: &[Operand], to: &[usize]) -> Option<Known> {
    let mut inputs = Vec::new();
    for operand in given {
        inputs.push(broadcast(operand, to)?);
    }
    let operator = layer.node.operator.as_str();
    let symbols = &mut layer.target.symbols;
    match (operator, inputs.as_slice()) {
        ("Where", [Known::Ints(condition), a, b]) => choose(condition, a, b, symbols),
        (_, [Known::Ints(a)]) => {
            let unary = |a: &Dim| match operator {
                "Neg" => Some(a.negative()),
                "Abs" => Some(a.number().and_then(i64::checked_abs).map(Dim::known)),
                "Not" => Some(a.number().map(|a| Dim::known(i64::from(a == 0)))),
                _ => None,
            };
            let all: Option<Vec<Option<Dim>>> = a.iter().map(unary).collect();
            Some(Known::Ints(or_fresh(all?, symbols)))
        }
        (_, [Known::Ints(a), Known::Ints(b)]) => {
            let pairs = a.iter().zip(b);
            let all: Option<Vec<Option<Dim>>> = pairs.map(|(a, b)| int(operator, a, b)).collect();
            Some(Known::Ints(or_fresh(all?, symbols)))
        }
        (_, [Known::Floats(a)]) => {
            float(operator, 1.0, None)?;
            Some(Known::Floats(
                a.iter().map(|a| float(operator, (*a)?, None)).collect(),
            ))
        }
        (_, [Known::Floats(a), b]) => {
            float(operator, 1.0, Some(1.0))?;
            let pairs = a.iter().zip(b.floats()?);
            Some(Known::Floats(
                pairs
                    .map(|(a, b)| float(operator, (*a)?, Some(b?)))
                    .collect(),
            ))
        }
        _ => None,
    }
}

fn or_fresh(all: Vec<Option<Dim>>, symbols: &mut Symbols) -> Vec<Dim> {
    all.into_iter().map(|dim| symbols.or_fresh(dim)).collect()
}

/// Of an operator on two whole numbers; `None` if it is not known, `Some(None)` if its result is not.
fn int(operator: &str, a: &Dim, b: &Dim) -> Option<Option<Dim>> {
    let numbers = a.number().zip(b.number());
    let known = |f: fn(i64, i64) -> Option<i64>| {
        let (a, b) = numbers?;
        f(a, b).map(Dim::known)
    };
    let truth = |f: fn(i64, i64) -> bool| {
        let (a, b) = numbers?;
        Some(Dim::known(f(a, b).into()))
    };
    Some(match operator {
        "Add" | "Sum" => a.plus(b),
        "Sub" if a == b => Some(Dim::known(0)),
        "Sub" => b.negative().and_then(|b| a.plus(&b)),
        "Mul" => a.times(b),
        "Div" => known(i64::checked_div).or_else(|| a.divided_by(b)),
        "Mod" => known(|a, b| a.checked_rem_euclid(b).filter(|_| b > 0)),
        "Pow" => known(|a, b| a.checked_pow(u32::try_from(b).ok()?)),
        "Max" => known(|a, b| Some(a.max(b))),
        "Min" => known(|a, b| Some(a.min(b))),
        "Equal" if a == b => Some(Dim::ONE),
        // A length that is not known is at least not negative.
        "Equal"
            if [a, b]
                .iter()
                .any(|dim| dim.number().is_some_and(|number| number < 0))
                && numbers.is_none() =>
        {
            Some(Dim::known(0))
        }
        "Equal" => truth(|a, b| a == b),
        "Less" => truth(|a, b| a < b),
        "LessOrEqual" => truth(|a, b| a <= b),
        "Greater" => truth(|a, b| a > b),
        "GreaterOrEqual" => truth(|a, b| a >= b),
        "And" => truth(|a, b| a != 0 && b != 0),
        "Or" => truth(|a, b| a != 0 || b != 0),
        _ => return None,
    })
}

/// An operator on one or two floats.
pub(super) fn float(operator: &str, a: f64, b: Option<f64>) -> Option<f64> {
    Some(match (operator, b) {
        ("Sqrt", None) => a.sqrt(),
        ("Neg", None) => -a,
        ("Abs", None) => a.abs(),
        ("Exp", None) => a.exp(),
        ("Log", None) => a.ln(),
        ("Floor", None) => a.floor(),
        ("Ceil", None) => a.ceil(),
        ("Round", None) => a.round_ties_even(),
        ("Reciprocal", None) => 1.0 / a,
        ("Add" | "Sum", Some(b)) => a + b,
        ("Sub", Some(b)) => a - b,
        ("Mul", Some(b)) => a * b,
        ("Div", Some(b)) => a / b,
        ("Pow", Some(b)) => a.powf(b),
        ("Max", Some(b)) => a.max(b),
        ("Min", Some(b)) => a.min(b),
        _ => return None,
    })
}

fn choose(condition: &[Dim], a: &Known, b: &Known, symbols: &mut Symbols) -> Option<Known> {
    let numbers = condition.iter().map(Dim::number);
    Some(match (a, b) {
        (Known::Ints(a), Known::Ints(b)) => {
            let chosen = numbers
                .zip(a.iter().zip(b))
                .map(|(condition, (a, b))| match condition {
                    _ if a == b => Some(a.clone()),
                    Some(0) => Some(b.clone()),
                    Some(_) => Some(a.clone()),
                    None => None,
                });
            Known::Ints(or_fresh(chosen.collect(), symbols))
        }
        (a, b) => {
            let pairs = a.floats()?.into_iter().zip(b.floats()?);
            let chosen = numbers
                .zip(pairs)
                .map(|(condition, (a, b))| match condition {
                    Some(0) => b,
                    Some(_) => a,
                    None => a.filter(|_| a == b),
                });
            Known::Floats(chosen.collect())
        }
    })
}

/// To whole numbers, truth values or floats: `TensorProto.DataType`.
pub(super) fn cast(layer: &mut Layer, known: &Known) -> Option<Known> {
    let to = layer.int("to", 1);
    let symbols = &mut layer.target.symbols;
    match (to, known) {
        (1 | 10 | 11 | 16, known) => known.floats().map(Known::Floats),
        (2..=7 | 12 | 13, Known::Ints(ints)) => Some(Known::Ints(ints.clone())),
        (2..=7 | 12 | 13, Known::Floats(floats)) => {
            let whole = |float: f64| (float.abs() < 9e15).then(|| Dim::known(float.trunc() as i64));
            let ints = floats.iter().map(|float| float.and_then(whole)).collect();
            Some(Known::Ints(or_fresh(ints, symbols)))
        }
        (9, known) => {
            let truth = |number: f64| Dim::known(i64::from(number != 0.0));
            let truths = known.floats()?.into_iter().map(|number| number.map(truth));
            Some(Known::Ints(or_fresh(truths.collect(), symbols)))
        }
        _ => None,
    }
}

/// Products, sums and extrema of whole numbers along axes.
pub(super) fn reduce(layer: &mut Layer, x: &Operand, to: &[usize]) -> Option<Known> {
    let own = lengths(x)?;
    let since = if layer.node.operator == "ReduceSum" {
        13
    } else {
        18
    };
    let axes = match layer
        .list("axes", 1, since)
        .ok()?
        .filter(|axes| !axes.is_empty())
    {
        Some(axes) => layer.axes(&axes, own.len()).ok()?,
        None => (0..own.len()).collect(),
    };
    let keeps_axes = layer.int("keepdims", 1) != 0;
    let (operator, start) = match layer.node.operator.as_str() {
        "ReduceProd" => ("Mul", Some(Dim::ONE)),
        "ReduceSum" => ("Add", Some(Dim::known(0))),
        "ReduceMax" => ("Max", None),
        _ => ("Min", None),
    };
    let ints = x.ints()?;
    let mut results: Vec<Option<Option<Dim>>> = vec![start.map(Some); super::count(to)?];
    for (number, position) in ints.iter().zip(positions(&own)) {
        let at =
            position
                .into_iter()
                .enumerate()
                .filter_map(|(axis, at)| match axes.contains(&axis) {
                    true => keeps_axes.then_some(0),
                    false => Some(at),
                });
        let result = results.get_mut(place(to, at))?;
        *result = Some(match result.take() {
            None => Some(number.clone()),
            Some(so_far) => so_far.and_then(|so_far| int(operator, &so_far, number)?),
        });
    }
    let results: Option<Vec<Option<Dim>>> = results.into_iter().collect();
    Some(Known::Ints(or_fresh(results?, &mut layer.target.symbols)))
}
