//! Sums of products in Einstein's notation.

use nn_graph::network::{AxisSource, Contract, ContractAxis, Reduce, Reduction, Rule};

use crate::Problem;
use crate::import::dim::Dim;
use crate::import::layer::Layer;
use crate::import::operand::Operand;

use super::Outcome;

/// One or two tensors, without repeated letters in one and without ellipses.
pub(super) fn einsum(layer: &mut Layer) -> Result<Outcome, Problem> {
    let Some((terms, result)) = layer.text("equation").and_then(parse) else {
        return Ok(Outcome::Unknown);
    };
    let given = layer.given();
    if given.len() != terms.len() {
        let (count, terms) = (given.len(), terms.len());
        return Err(layer.wrong(format!(
            "has an equation of {terms} tensors, and reads {count}"
        )));
    }
    let mut dims = Vec::new();
    for (operand, letters) in given.iter().zip(&terms) {
        dims.push(layer.of_rank(&operand.shape, letters.len())?);
    }
    match (given.as_slice(), terms.as_slice()) {
        ([x], [letters]) => one(layer, x, letters, &dims[0], &result),
        ([a, b], [left, right]) => two(layer, [a, b], [left, right], [&dims[0], &dims[1]], &result),
        _ => Ok(Outcome::Unknown),
    }
}

type Letters = Vec<char>;

/// The letters of each term and of the result; `None` for forms that are not read.
fn parse(equation: &str) -> Option<(Vec<Letters>, Letters)> {
    if equation.len() > 1024 {
        return None;
    }
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (terms, result) = match equation.split_once("->") {
        Some((terms, result)) => (terms, Some(result)),
        None => (equation.as_str(), None),
    };
    let letters = |term: &str| {
        let letters: Letters = term.chars().collect();
        let mut sorted = letters.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let plain = letters.iter().all(|letter| letter.is_ascii_alphabetic());
        (plain && sorted.len() == letters.len()).then_some(letters)
    };
    let terms: Vec<Letters> = terms.split(',').map(letters).collect::<Option<_>>()?;
    let result = match result {
        Some(result) => letters(result)?,
        // Letters that occur once, in the order of the alphabet.
        None => {
            let all: Letters = terms.concat();
            let once = |letter: &&char| all.iter().filter(|other| other == letter).count() == 1;
            let mut result: Letters = all.iter().filter(once).copied().collect();
            result.sort_unstable();
            result
        }
    };
    let known = |letter: &char| terms.iter().any(|term| term.contains(letter));
    result.iter().all(known).then_some((terms, result))
}

fn place(letters: &[char], letter: char) -> Option<usize> {
    letters.iter().position(|&own| own == letter)
}

/// Sums over axes, and another order of those that stay.
fn one(
    layer: &mut Layer,
    x: &Operand,
    letters: &[char],
    dims: &[Dim],
    result: &[char],
) -> Result<Outcome, Problem> {
    let stays = |axis: &usize| result.contains(&letters[*axis]);
    let (kept, axes): (Vec<usize>, Vec<usize>) = (0..letters.len()).partition(stays);
    let shape = kept.iter().map(|&axis| dims[axis].clone()).collect();
    let rule = Rule::Reduce(Reduce {
        axes,
        keeps_axes: false,
        by: Reduction::Sum,
    });
    let summed = layer.emit(rule, &[x], Some(shape))?;
    let own: Vec<char> = kept.iter().map(|&axis| letters[axis]).collect();
    let order: Vec<usize> = result
        .iter()
        .filter_map(|&letter| place(&own, letter))
        .collect();
    let shape = order.iter().map(|&axis| dims[kept[axis]].clone()).collect();
    layer.rearrange(
        &summed,
        order.into_iter().map(AxisSource::Whole).collect(),
        shape,
    )?;
    Ok(Outcome::Known)
}

fn two(
    layer: &mut Layer,
    operands: [&Operand; 2],
    [left, right]: [&Letters; 2],
    [left_dims, right_dims]: [&Vec<Dim>; 2],
    result: &[char],
) -> Result<Outcome, Problem> {
    let (mut output, mut shape) = (Vec::new(), Vec::new());
    for &letter in result {
        let (axis, dim) = match (place(left, letter), place(right, letter)) {
            (Some(l), Some(r)) => (
                ContractAxis::Both { left: l, right: r },
                layer.join(&left_dims[l], &right_dims[r])?,
            ),
            (Some(l), None) => (ContractAxis::Left(l), left_dims[l].clone()),
            (None, Some(r)) => (ContractAxis::Right(r), right_dims[r].clone()),
            (None, None) => return Ok(Outcome::Unknown),
        };
        output.push(axis);
        shape.push(dim);
    }
    for (axis, &letter) in left.iter().enumerate() {
        if let Some(other) = place(right, letter) {
            layer.join(&left_dims[axis], &right_dims[other])?;
        }
    }
    let summed = |letters: &Letters| {
        let gone = |axis: &usize| !result.contains(&letters[*axis]);
        (0..letters.len()).filter(gone).collect()
    };
    let rule = Rule::Contract(Contract {
        output,
        left: summed(left),
        right: summed(right),
    });
    layer.result(0, rule, &operands, Some(shape))?;
    Ok(Outcome::Known)
}
