//! Operators whose results do not depend on the numbers that they read, or only on where these are.

use nn_graph::network::Rule;

use crate::Problem;
use crate::import::dim::{Dim, product};
use crate::import::known::Known;
use crate::import::layer::Layer;
use crate::import::operand::Operand;
use crate::model::{Attribute, Tensor};
use crate::read::{FEW, MOST_AXES};

use super::{Import, Outcome};

pub(super) fn find(operator: &str) -> Option<Import> {
    Some(match operator {
        "Constant" => constant,
        "Shape" => shape,
        "Size" => size,
        "ConstantOfShape" => constant_of_shape,
        "Range" => range,
        "EyeLike" | "RandomNormalLike" | "RandomUniformLike" => like,
        "RandomNormal" | "RandomUniform" => random,
        "OneHot" => one_hot,
        "NonZero" => non_zero,
        _ => return None,
    })
}

fn constant(layer: &mut Layer) -> Result<Outcome, Problem> {
    let find = |name: &str| layer.node.attributes.get(name);
    let floats =
        |list: &[f32]| Known::Floats(list.iter().map(|&float| Some(float.into())).collect());
    let ints = |list: &[i64]| Known::Ints(list.iter().copied().map(Dim::known).collect());
    let names = [
        "value",
        "value_float",
        "value_int",
        "value_floats",
        "value_ints",
    ];
    let (known, shape) = match names.into_iter().find_map(find) {
        Some(Attribute::Tensor(tensor)) => (Known::from(&tensor.numbers), of_tensor(tensor)),
        Some(Attribute::Float(float)) => (floats(&[*float]), Vec::new()),
        Some(Attribute::Int(int)) => (ints(&[*int]), Vec::new()),
        Some(Attribute::Floats(list)) => (few(list, floats), vec![Dim::length(list.len())]),
        Some(Attribute::Ints(list)) => (few(list, ints), vec![Dim::length(list.len())]),
        _ => return Ok(Outcome::Unknown),
    };
    layer.constant(0, known, Some(shape));
    Ok(Outcome::Known)
}

fn of_tensor(tensor: &Tensor) -> Vec<Dim> {
    tensor.dims.iter().copied().map(Dim::length).collect()
}

fn few<T>(list: &[T], known: impl Fn(&[T]) -> Known) -> Known {
    match list.len() {
        0..=FEW => known(list),
        _ => Known::Nothing,
    }
}

fn shape(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(dims) = x.shape else {
        let length = layer.fresh();
        layer.constant(0, Known::Nothing, Some(vec![length]));
        return Ok(Outcome::Known);
    };
    let rank = dims.len() as i64;
    let place =
        |at: i64| (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize;
    let (start, end) = (place(layer.int("start", 0)), place(layer.int("end", rank)));
    let part = dims.get(start..end).unwrap_or_default();
    let length = Dim::length(part.len());
    layer.constant(0, Known::Ints(part.to_vec()), Some(vec![length]));
    Ok(Outcome::Known)
}

fn size(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let size = x.shape.and_then(|dims| product(&dims));
    let size = layer.or_fresh(size);
    layer.constant(0, Known::Ints(vec![size]), Some(Vec::new()));
    Ok(Outcome::Known)
}

/// The shape that a constant asks for.
fn asked(layer: &mut Layer, operand: &Operand) -> Option<Vec<Dim>> {
    if let Some(dims) = operand.ints() {
        return Some(dims.to_vec()).filter(|dims| dims.len() <= MOST_AXES);
    }
    let rank = operand.shape.as_ref()?.first()?.extent()?;
    (rank <= MOST_AXES).then(|| (0..rank).map(|_| layer.fresh()).collect())
}

fn constant_of_shape(layer: &mut Layer) -> Result<Outcome, Problem> {
    let asks = layer.input(0)?;
    let dims = asked(layer, &asks);
    if let Some(dims) = &dims
        && dims
            .iter()
            .any(|dim| dim.number().is_some_and(|length| length < 0))
    {
        return Err(layer.wrong("makes an axis of a length below 0"));
    }
    let value = match layer.node.attributes.get("value") {
        Some(Attribute::Tensor(tensor)) => Known::from(&tensor.numbers),
        _ => Known::Floats(vec![Some(0.0)]),
    };
    let count = dims
        .as_ref()
        .and_then(product_of)
        .filter(|&count| count <= FEW);
    let known = match (value, count) {
        (Known::Ints(one), Some(count)) if one.len() == 1 => {
            Known::Ints(vec![one[0].clone(); count])
        }
        (Known::Floats(one), Some(count)) if one.len() == 1 => Known::Floats(vec![one[0]; count]),
        (value, _) => value.uniform().map_or(Known::Nothing, Known::Uniform),
    };
    layer.constant(0, known, dims);
    Ok(Outcome::Known)
}

fn product_of(dims: &Vec<Dim>) -> Option<usize> {
    product(dims)?.extent()
}

fn range(layer: &mut Layer) -> Result<Outcome, Problem> {
    let given = [layer.input(0)?, layer.input(1)?, layer.input(2)?];
    let ints: Option<Vec<Dim>> = given
        .iter()
        .map(|operand| operand.ints()?.first().cloned())
        .collect();
    let numbers: Option<Vec<i64>> = ints
        .as_ref()
        .and_then(|ints| ints.iter().map(Dim::number).collect());
    let (known, length) = match (numbers.as_deref(), ints.as_deref()) {
        (Some(&[start, limit, step]), _) if step != 0 => {
            let (span, wide) = (i128::from(limit) - i128::from(start), i128::from(step));
            let (span, wide) = (span * wide.signum(), wide.abs());
            let count = (span + wide - 1).div_euclid(wide).max(0);
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let number = |place: i64| start.saturating_add(step.saturating_mul(place));
            let known = match count <= FEW as i64 {
                true => Known::Ints((0..count).map(|place| Dim::known(number(place))).collect()),
                false => Known::Nothing,
            };
            (known, Some(Dim::known(count)))
        }
        (None, Some([start, limit, step])) if start.number() == Some(0) && step.is_one() => {
            (Known::Nothing, Some(limit.clone()))
        }
        _ => (Known::Nothing, None),
    };
    let length = layer.or_fresh(length);
    let shape = Some(vec![length]);
    if given.iter().all(Operand::is_constant) {
        layer.constant(0, known, shape);
    } else {
        let inputs: Vec<&Operand> = given.iter().collect();
        layer.result(0, Rule::Nonlinear, &inputs, shape)?;
    }
    Ok(Outcome::Known)
}

fn like(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    layer.constant(0, Known::Nothing, x.shape);
    Ok(Outcome::Known)
}

fn random(layer: &mut Layer) -> Result<Outcome, Problem> {
    let Some(dims) = layer.ints("shape").filter(|dims| dims.len() <= MOST_AXES) else {
        return Ok(Outcome::Unknown);
    };
    let dims = dims.iter().copied().map(Dim::known).collect();
    layer.constant(0, Known::Nothing, Some(dims));
    Ok(Outcome::Known)
}

/// Ones at given places.
fn one_hot(layer: &mut Layer) -> Result<Outcome, Problem> {
    let (places, depth, values) = (layer.input(0)?, layer.input(1)?, layer.input(2)?);
    let (Some(rank), true) = (places.rank(), values.is_constant()) else {
        return Ok(Outcome::Unknown);
    };
    let axis = layer.axis(layer.int("axis", -1), rank + 1)?;
    let depth = depth.ints().and_then(|depth| depth.first().cloned());
    let mut dims = layer.of_rank(&places.shape, rank)?;
    dims.insert(axis, layer.or_fresh(depth));
    layer.result(0, Rule::Insensitive, &[&places], Some(dims))?;
    Ok(Outcome::Known)
}

/// The places of what is not 0: which of them there are, a factor does not change.
fn non_zero(layer: &mut Layer) -> Result<Outcome, Problem> {
    let x = layer.input(0)?;
    let Some(rank) = x.rank() else {
        return Ok(Outcome::Unknown);
    };
    let length = layer.fresh();
    let dims = vec![Dim::length(rank), length];
    layer.result(0, Rule::Insensitive, &[&x], Some(dims))?;
    Ok(Outcome::Known)
}
