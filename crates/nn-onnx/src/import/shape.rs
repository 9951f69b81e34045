//! Shapes of tensors.

use nn_graph::network::Extents;

use crate::model::Extent;

use super::dim::{Dim, Symbols};

/// `None` where not even the number of axes is known.
pub(crate) type Shape = Option<Vec<Dim>>;

pub(crate) fn extents(shape: &Shape) -> Option<Extents> {
    let lengths = |dims: &Vec<Dim>| dims.iter().map(Dim::extent).collect();
    shape.as_ref().map(lengths)
}

/// A shape as the file declares it.
pub(crate) fn declared(shape: Option<&[Extent]>, symbols: &mut Symbols) -> Shape {
    let dim = |extent: &Extent| match extent {
        Extent::Known(length) => Dim::length(*length),
        Extent::Named(name) => symbols.named(name),
        Extent::Unknown => symbols.fresh(),
    };
    Some(shape?.iter().map(dim).collect())
}

/// What is found, with what is declared where nothing is found.
///
/// Where they contradict each other, what is found counts: exporters are known to write shapes of their example input.
pub(crate) fn merged(found: Shape, declared: Option<&[Extent]>, symbols: &mut Symbols) -> Shape {
    let (found, extents) = match (found, declared) {
        (None, extents) => return self::declared(extents, symbols),
        (found, None) => return found,
        (Some(found), Some(extents)) => (found, extents),
    };
    if found.len() != extents.len() {
        return Some(found);
    }
    let dim = |(dim, extent): (Dim, &Extent)| match extent {
        Extent::Known(length) if dim.number().is_none() => Dim::length(*length),
        _ => dim,
    };
    Some(found.into_iter().zip(extents).map(dim).collect())
}

/// The shape to which all are repeated, aligned at their last axes; an error names two lengths that differ.
pub(crate) fn broadcast(shapes: &[&Shape], symbols: &mut Symbols) -> Result<Shape, (i64, i64)> {
    let known: Option<Vec<&Vec<Dim>>> = shapes.iter().map(|shape| shape.as_ref()).collect();
    let Some(known) = known else {
        return Ok(None);
    };
    let rank = known.iter().map(|dims| dims.len()).max().unwrap_or(0);
    let mut result = vec![Dim::ONE; rank];
    for dims in known {
        for (own, dim) in result[rank - dims.len()..].iter_mut().zip(dims) {
            *own = joined(own, dim, symbols)?;
        }
    }
    Ok(Some(result))
}

/// The length of two axes of which either may be repeated.
pub(crate) fn joined(a: &Dim, b: &Dim, symbols: &mut Symbols) -> Result<Dim, (i64, i64)> {
    match (a.number(), b.number()) {
        _ if a == b || b.is_one() => Ok(a.clone()),
        _ if a.is_one() => Ok(b.clone()),
        (Some(a), Some(b)) => Err((a, b)),
        (Some(_), None) => Ok(a.clone()),
        (None, Some(_)) => Ok(b.clone()),
        (None, None) => Ok(symbols.fresh()),
    }
}
