//! Reductions of axes, and what is like them.

use nn_graph::network::{Reduce, Reduction, Rule, Window};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::layer::{Layer, NotKnown};
use crate::import::operand::Operand;

use super::{Import, Outcome};

pub(super) fn find(operator: &str) -> Option<Import> {
    Some(match operator {
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceL1" | "ReduceL2"
        | "ReduceSumSquare" | "ReduceProd" | "ReduceLogSum" | "ReduceLogSumExp" => reduce,
        "ArgMax" | "ArgMin" => position,
        "TopK" => top,
        "CumSum" => cumulate,
        _ => return None,
    })
}

fn reduce(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let since = if layer.node.operator == "ReduceSum" {
        13
    } else {
        18
    };
    let axes = layer.list("axes", 1, since);
    let (Some(rank), Ok(axes)) = (x.rank(), axes) else {
        return Ok(Outcome::Unknown);
    };
    let axes = axes.filter(|axes| !axes.is_empty());
    if axes.is_none() && layer.int("noop_with_empty_axes", 0) != 0 {
        return of_each(layer, x);
    }
    let axes = match axes {
        Some(axes) => layer.axes(&axes, rank)?,
        None => (0..rank).collect(),
    };
    let keeps_axes = layer.int("keepdims", 1) != 0;
    let dims = layer.of_rank(&x.shape, rank)?;
    let reduced = Some(without(&dims, &axes, keeps_axes));
    let rule = |by| {
        Rule::Reduce(Reduce {
            axes,
            keeps_axes,
            by,
        })
    };
    let by = match layer.node.operator.as_str() {
        "ReduceMean" => Reduction::Mean,
        "ReduceSum" => Reduction::Sum,
        "ReduceSumSquare" => Reduction::SumOfSquares,
        "ReduceLogSum" => {
            let sum = layer.emit(rule(Reduction::Sum), &[&x], reduced.clone())?;
            layer.result(0, Rule::Nonlinear, &[&sum], reduced)?;
            return Ok(Outcome::Known);
        }
        // Products have a degree that depends on how many factors there are.
        "ReduceLogSumExp" | "ReduceProd" => {
            let bent = layer.emit(Rule::Nonlinear, &[&x], x.shape.clone())?;
            let sum = layer.emit(rule(Reduction::Sum), &[&bent], reduced.clone())?;
            layer.result(0, Rule::Nonlinear, &[&sum], reduced)?;
            return Ok(Outcome::Known);
        }
        "ReduceL1" | "ReduceL2" => Reduction::Norm,
        _ => Reduction::Homogeneous,
    };
    layer.result(0, rule(by), &[&x], reduced)?;
    Ok(Outcome::Known)
}

/// A reduction over no axes: what it does to each number.
fn of_each(layer: &mut Layer, x: Operand) -> Result<Outcome, Problem> {
    let rule = match layer.node.operator.as_str() {
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" => {
            layer.produce(0, x);
            return Ok(Outcome::Known);
        }
        "ReduceL1" | "ReduceL2" => Rule::Homogeneous,
        "ReduceSumSquare" => Rule::Power {
            numerator: 2,
            denominator: 1,
        },
        _ => Rule::Nonlinear,
    };
    layer.result(0, rule, &[&x], x.shape.clone())?;
    Ok(Outcome::Known)
}

fn without(dims: &[Dim], axes: &[usize], keeps_axes: bool) -> Vec<Dim> {
    let kept = |(axis, dim): (usize, &Dim)| match axes.contains(&axis) {
        true => keeps_axes.then_some(Dim::ONE),
        false => Some(dim.clone()),
    };
    dims.iter().enumerate().filter_map(kept).collect()
}

fn position(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(rank) = x.rank() else {
        return Ok(Outcome::Unknown);
    };
    let axis = layer.axis(layer.int("axis", 0), rank)?;
    let dims = layer.of_rank(&x.shape, rank)?;
    let dims = without(&dims, &[axis], layer.int("keepdims", 1) != 0);
    layer.result(0, Rule::Insensitive, &[&x], Some(dims))?;
    Ok(Outcome::Known)
}

/// The largest numbers along an axis, and where they are.
fn top(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(rank) = x.rank() else {
        return Ok(Outcome::Unknown);
    };
    let axis = layer.axis(layer.int("axis", -1), rank)?;
    let count = match layer.list("", 1, 10) {
        Ok(list) => list.and_then(|list| list.first().copied()),
        Err(NotKnown) => None,
    };
    let count = count.or_else(|| (layer.opset < 10).then(|| layer.int("k", 1)));
    let mut dims = layer.of_rank(&x.shape, rank)?;
    dims[axis] = layer.or_fresh(count.map(Dim::known));
    if layer.wants(1) {
        layer.result(1, Rule::Insensitive, &[&x], Some(dims.clone()))?;
    }
    let rule = Rule::Window(Window {
        axes: vec![axis],
        keeps_constants: true,
        linear: false,
    });
    layer.result(0, rule, &[&x], Some(dims))?;
    Ok(Outcome::Known)
}

/// Sums of all numbers up to each.
fn cumulate(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, axis) = (layer.input(0)?, layer.input(1)?);
    let first = |operand: &Operand| operand.numbers()?.first().copied();
    let (Some(rank), Some(axis)) = (x.rank(), first(&axis)) else {
        return Ok(Outcome::Unknown);
    };
    let rule = Rule::Window(Window {
        axes: vec![layer.axis(axis, rank)?],
        keeps_constants: false,
        linear: true,
    });
    layer.result(0, rule, &[&x], x.shape.clone())?;
    Ok(Outcome::Known)
}
