//! Operators that treat every number for itself.

use nn_graph::network::Rule;

use crate::Problem;
use crate::import::known::Known;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::{Import, Outcome};

pub(super) fn find(operator: &str) -> Option<Import> {
    Some(match operator {
        "Add" | "Sub" | "Mul" | "Div" => arithmetic,
        "Sum" | "Mean" => sum,
        "Max" | "Min" => extremum,
        "Abs" | "Relu" | "LeakyRelu" => homogeneous,
        "Neg" => linear,
        "Dropout" => dropout,
        "Identity" => identity,
        "PRelu" => prelu,
        "Where" => choose,
        "Clip" => clip,
        "Pow" => pow,
        "Sqrt" => sqrt,
        "Reciprocal" => reciprocal,
        "Cast" => cast,
        "CastLike" => cast_like,
        "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" => compare,
        "Sign" | "IsNaN" | "IsInf" | "Not" | "And" | "Or" | "Xor" => insensitive,
        "Acos" | "Acosh" | "Asin" | "Asinh" | "Atan" | "Atanh" | "BitShift" | "BitwiseAnd"
        | "BitwiseNot" | "BitwiseOr" | "BitwiseXor" | "Ceil" | "Celu" | "Cos" | "Cosh" | "Elu"
        | "Erf" | "Exp" | "Floor" | "Gelu" | "HardSigmoid" | "HardSwish" | "Log" | "LRN"
        | "Mish" | "Mod" | "Round" | "Selu" | "Shrink" | "Sigmoid" | "Sin" | "Sinh"
        | "Softplus" | "Softsign" | "Tan" | "Tanh" | "ThresholdedRelu" => nonlinear,
        _ => return None,
    })
}

/// The result of a rule that reads all inputs, which broadcast.
fn all(layer: &mut Layer, rule: Rule) -> Result<Outcome, Problem> {
    layer.input(0)?;
    let given = layer.given();
    let inputs: Vec<&Operand> = given.iter().collect();
    let shape = layer.broadcast(&inputs)?;
    layer.result(0, rule, &inputs, shape)?;
    Ok(Outcome::Known)
}

/// The result of a rule that reads the first input alone.
fn first(layer: &mut Layer, rule: Rule) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    layer.result(0, rule, &[&x], x.shape.clone())?;
    Ok(Outcome::Known)
}

fn homogeneous(layer: &mut Layer) -> Result<Outcome, Problem> {
    first(layer, Rule::Homogeneous)
}

fn linear(layer: &mut Layer) -> Result<Outcome, Problem> {
    first(layer, Rule::Linear)
}

fn nonlinear(layer: &mut Layer) -> Result<Outcome, Problem> {
    all(layer, Rule::Nonlinear)
}

fn insensitive(layer: &mut Layer) -> Result<Outcome, Problem> {
    all(layer, Rule::Insensitive)
}

fn extremum(layer: &mut Layer) -> Result<Outcome, Problem> {
    layer.input(0)?;
    let mut given = layer.given();
    if layer.node.operator == "Min" {
        given = given.iter().map(upper_bound).collect();
    }
    let inputs: Vec<&Operand> = given.iter().collect();
    let shape = layer.broadcast(&inputs)?;
    layer.result(0, Rule::Homogeneous, &inputs, shape)?;
    Ok(Outcome::Known)
}

/// The same operand, of whose number nothing is known but whether it is 0: however small, it is no `ε` beside a norm if
/// the smaller of both is taken.
fn upper_bound(operand: &Operand) -> Operand {
    match operand.uniform() {
        Some(number) if number != 0.0 => {
            Operand::constant(Known::Nothing, operand.shape.clone(), operand.name.clone())
        }
        _ => operand.clone(),
    }
}

fn arithmetic(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (a, b) = (layer.input(0)?, layer.input(1)?);
    let shape = layer.broadcast(&[&a, &b])?;
    let rule = match layer.node.operator.as_str() {
        "Add" => Rule::Add,
        "Sub" => Rule::Subtract,
        "Mul" => Rule::Multiply,
        _ => Rule::Divide,
    };
    layer.result(0, rule, &[&a, &b], shape)?;
    Ok(Outcome::Known)
}

/// Sums of any number of tensors; a mean is a multiple of the sum.
fn sum(layer: &mut Layer) -> Result<Outcome, Problem> {
    let mut total = layer.input(0)?;
    for place in 1..layer.inputs.len() {
        let next = layer.input(place)?;
        let shape = layer.broadcast(&[&total, &next])?;
        total = layer.emit(Rule::Add, &[&total, &next], shape)?;
    }
    layer.result(0, Rule::Linear, &[&total], total.shape.clone())?;
    Ok(Outcome::Known)
}

/// As in training, whatever the file was exported for: a random mask times the input. So what is constant along an axis is
/// not after it.
fn dropout(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    if layer.wants(1) {
        layer.result(1, Rule::Insensitive, &[&x], x.shape.clone())?;
    }
    if drops_nothing(layer) {
        return first(layer, Rule::Copy);
    }
    let mask = Operand::constant(Known::Nothing, x.shape.clone(), layer.label.clone());
    layer.result(0, Rule::Multiply, &[&x, &mask], x.shape.clone())?;
    Ok(Outcome::Known)
}

/// Whether the share of what a dropout takes away is 0.
pub(crate) fn drops_nothing(layer: &Layer) -> bool {
    match layer.opset {
        ..12 => layer.float("ratio", 0.5) == 0.0,
        _ => (layer.optional(1)).is_some_and(|ratio| ratio.uniform() == Some(0.0)),
    }
}

/// The same tensor by another name.
fn identity(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    layer.produce(0, x);
    Ok(Outcome::Known)
}

fn prelu(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, slope) = (layer.input(0)?, layer.input(1)?);
    layer.broadcast(&[&x, &slope])?;
    layer.result(0, Rule::Gate, &[&slope, &x], x.shape.clone())?;
    Ok(Outcome::Known)
}

fn choose(layer: &mut Layer) -> Result<Outcome, Problem> {
    for place in 0..3 {
        layer.input(place)?;
    }
    all(layer, Rule::Gate)
}

/// Bounds at zero and at infinity scale with anything; others are inputs of the rule.
fn clip(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let bounds = if layer.opset < 11 {
        ["min", "max"].map(|name| {
            let bound = layer.float(name, f32::INFINITY);
            let known = Known::Uniform(bound.into());
            let name = format!("{}.{name}", layer.label);
            Some(Operand::constant(known, Some(Vec::new()), name.into()))
        })
    } else {
        [layer.optional(1), layer.optional(2)]
    };
    let matters = |bound: &&Operand| {
        let bound = bound.uniform();
        bound.is_none_or(|bound| bound != 0.0 && f64::from(bound as f32).abs() < f32::MAX.into())
    };
    let [least, most] = bounds.map(|bound| bound.filter(|bound| matters(&bound)));
    let most = most.as_ref().map(upper_bound);
    let inputs: Vec<&Operand> = [Some(&x), least.as_ref(), most.as_ref()]
        .into_iter()
        .flatten()
        .collect();
    layer.result(0, Rule::Homogeneous, &inputs, x.shape.clone())?;
    Ok(Outcome::Known)
}

fn pow(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (x, exponent) = (layer.input(0)?, layer.input(1)?);
    let shape = layer.broadcast(&[&x, &exponent])?;
    match exponent.uniform().and_then(fraction) {
        // An exponent that repeats the base would change the shape.
        Some((numerator, denominator)) if shape == x.shape => {
            let rule = Rule::Power {
                numerator,
                denominator,
            };
            layer.result(0, rule, &[&x], shape)?;
        }
        _ => layer.result(0, Rule::Nonlinear, &[&x, &exponent], shape)?,
    }
    Ok(Outcome::Known)
}

/// A fraction with a small denominator, as near as a float32.
fn fraction(number: f64) -> Option<(i32, i32)> {
    (1..=12).find_map(|denominator| {
        let numerator = number * f64::from(denominator);
        let near = (numerator - numerator.round()).abs() <= 1e-6 * numerator.abs();
        (near && numerator.abs() < 1e6).then(|| (numerator.round() as i32, denominator))
    })
}

fn sqrt(layer: &mut Layer) -> Result<Outcome, Problem> {
    let rule = Rule::Power {
        numerator: 1,
        denominator: 2,
    };
    first(layer, rule)
}

fn reciprocal(layer: &mut Layer) -> Result<Outcome, Problem> {
    let rule = Rule::Power {
        numerator: -1,
        denominator: 1,
    };
    first(layer, rule)
}

/// `TensorProto.DataType`: to truth values only the sign of nothing matters, to whole numbers everything does.
fn cast(layer: &mut Layer) -> Result<Outcome, Problem> {
    let rule = match layer.int("to", 1) {
        9 => Rule::Insensitive,
        1 | 10 | 11 | 16..=20 | 23 | 24 => Rule::Copy,
        _ => Rule::Nonlinear,
    };
    first(layer, rule)
}

/// Perhaps to whole numbers.
fn cast_like(layer: &mut Layer) -> Result<Outcome, Problem> {
    match layer.input(1)?.is_float {
        true => first(layer, Rule::Copy),
        false => first(layer, Rule::Nonlinear),
    }
}

/// `a < b` is decided by the sign of `a − b`.
fn compare(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (a, b) = (layer.input(0)?, layer.input(1)?);
    let shape = layer.broadcast(&[&a, &b])?;
    let difference = layer.emit(Rule::Subtract, &[&a, &b], shape.clone())?;
    layer.result(0, Rule::Insensitive, &[&difference], shape)?;
    Ok(Outcome::Known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_fractions() {
        assert_eq!(fraction(2.0), Some((2, 1)));
        assert_eq!(fraction(-0.5), Some((-1, 2)));
        assert_eq!(fraction((1f32 / 3.0).into()), Some((1, 3)));
        assert_eq!(fraction(0.0), Some((0, 1)));
        for number in [std::f64::consts::PI, f64::NAN, f64::INFINITY, 1e7] {
            assert_eq!(fraction(number), None);
        }
    }
}
