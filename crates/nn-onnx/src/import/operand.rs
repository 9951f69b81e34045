//! Tensors while a file is imported.

use std::cell::Cell;
use std::rc::Rc;

use nn_graph::network::TensorId;

use super::dim::Dim;
use super::known::Known;
use super::shape::Shape;

/// A tensor that a node reads or makes.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) shape: Shape,
    /// Of one that depends on no data and no parameter.
    pub(crate) known: Option<Rc<Known>>,
    /// Its place in the network; a constant gets one when an operation reads it.
    pub(crate) id: Rc<Cell<Option<TensorId>>>,
    pub(crate) name: Rc<str>,
    /// Whether it is known to hold floats.
    pub(crate) is_float: bool,
}

impl Operand {
    pub(crate) fn data(id: TensorId, shape: Shape, name: Rc<str>) -> Self {
        Self {
            shape,
            known: None,
            id: Rc::new(Cell::new(Some(id))),
            name,
            is_float: false,
        }
    }

    pub(crate) fn constant(known: Known, shape: Shape, name: Rc<str>) -> Self {
        Self {
            shape,
            known: Some(Rc::new(known)),
            id: Rc::default(),
            name,
            is_float: false,
        }
    }

    pub(crate) fn is_constant(&self) -> bool {
        self.known.is_some()
    }

    pub(crate) fn rank(&self) -> Option<usize> {
        self.shape.as_ref().map(Vec::len)
    }

    /// Whether it has so many numbers along its last axis, and all others have length 1.
    pub(crate) fn is_list_of(&self, length: usize) -> bool {
        let Some([others @ .., last]) = self.shape.as_deref() else {
            return false;
        };
        last.extent() == Some(length) && others.iter().all(Dim::is_one)
    }

    pub(crate) fn uniform(&self) -> Option<f64> {
        self.known.as_ref()?.uniform()
    }

    /// Few whole numbers, some of which may be symbols.
    pub(crate) fn ints(&self) -> Option<&[Dim]> {
        match self.known.as_deref()? {
            Known::Ints(ints) => Some(ints),
            _ => None,
        }
    }

    /// Few whole numbers, all known.
    pub(crate) fn numbers(&self) -> Option<Vec<i64>> {
        self.ints()?.iter().map(Dim::number).collect()
    }
}
