//! A node while it is turned into operations.

use std::rc::Rc;

use nn_graph::network::{AxisSource, NetworkBuilder, Rule, TensorId};

use crate::Problem;
use crate::error::clean;
use crate::model::{Attribute, Extent, Node};
use crate::read::MOST_AXES as MOST_RANK;

use super::dim::{Dim, Symbols};
use super::known::Known;
use super::operand::Operand;
use super::shape::{Shape, broadcast, extents, joined, merged};

/// Tensors that a network may have, and axes that they may have together: memory is bounded whatever a file says.
const MOST_TENSORS: u64 = 1 << 20;
const MOST_AXES: u64 = 1 << 23;

/// The network so far.
#[derive(Default)]
pub(crate) struct Target {
    pub(crate) net: NetworkBuilder,
    pub(crate) symbols: Symbols,
    /// [`Imported::running_means`](crate::Imported::running_means)
    pub(crate) running_means: Vec<(TensorId, String)>,
    tensors: u64,
    axes: u64,
}

impl Target {
    pub(crate) fn count(&mut self, axes: usize) -> Result<(), Problem> {
        self.tensors += 1;
        self.axes += axes as u64;
        let too_large = |what: &str, limit| {
            Err(Problem::TooLarge {
                what: format!("its network has too many {what}"),
                limit,
            })
        };
        match (self.tensors, self.axes) {
            (tensors, _) if tensors > MOST_TENSORS => too_large("tensors", MOST_TENSORS),
            (_, axes) if axes > MOST_AXES => too_large("axes of tensors", MOST_AXES),
            _ => Ok(()),
        }
    }

    /// The place of a tensor in the network.
    pub(crate) fn place(&mut self, operand: &Operand) -> Result<TensorId, Problem> {
        if let Some(id) = operand.id.get() {
            return Ok(id);
        }
        self.count(operand.rank().unwrap_or(0))?;
        let known = operand.known.as_deref().unwrap_or(&Known::Nothing);
        let extents = extents(&operand.shape);
        let id = self
            .net
            .constant(&clean(&operand.name), extents, known.constant());
        operand.id.set(Some(id));
        Ok(id)
    }
}

/// A node with what it reads, and what has been made of it.
pub(crate) struct Layer<'a> {
    pub(crate) target: &'a mut Target,
    pub(crate) node: &'a Node,
    pub(crate) opset: i64,
    pub(crate) inputs: Vec<Option<Operand>>,
    /// Shapes of the results as the file declares them; `None` for a result that nobody reads.
    pub(crate) wanted: Vec<Option<Option<&'a [Extent]>>>,
    pub(crate) outputs: Vec<Option<Operand>>,
    pub(crate) label: Rc<str>,
}

impl Layer<'_> {
    /// An error about this node; `what` is the end of the sentence.
    pub(crate) fn wrong(&self, what: impl Into<String>) -> Problem {
        Problem::Operator {
            node: self.label.to_string(),
            operator: clean(&self.node.operator),
            what: what.into(),
        }
    }

    /// An input that may not be left out.
    pub(crate) fn input(&self, place: usize) -> Result<Operand, Problem> {
        self.optional(place)
            .ok_or_else(|| self.wrong(format!("lacks its input {place}")))
    }

    pub(crate) fn optional(&self, place: usize) -> Option<Operand> {
        self.inputs.get(place)?.clone()
    }

    /// All inputs that are not left out.
    pub(crate) fn given(&self) -> Vec<Operand> {
        self.inputs.iter().flatten().cloned().collect()
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        match self.node.attributes.get(name) {
            Some(Attribute::Int(int)) => *int,
            _ => default,
        }
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        match self.node.attributes.get(name) {
            Some(Attribute::Float(float)) => *float,
            _ => default,
        }
    }

    pub(crate) fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.node.attributes.get(name) {
            Some(Attribute::Ints(ints)) => Some(ints),
            _ => None,
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.node.attributes.get(name) {
            Some(Attribute::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// An axis that may be counted from the end.
    pub(crate) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Problem> {
        let from_start = if axis < 0 {
            axis.checked_add(rank as i64)
        } else {
            Some(axis)
        };
        let place = from_start.and_then(|axis| usize::try_from(axis).ok());
        place
            .filter(|&place| place < rank)
            .ok_or_else(|| self.wrong(format!("names axis {axis} of a tensor of {rank} axes")))
    }

    pub(crate) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, Problem> {
        if axes.len() > MOST_RANK {
            return Err(self.wrong(format!("names {} axes", axes.len())));
        }
        let mut places = Vec::new();
        for &axis in axes {
            let place = self.axis(axis, rank)?;
            if places.contains(&place) {
                return Err(self.wrong(format!("names axis {axis} twice")));
            }
            places.push(place);
        }
        Ok(places)
    }

    /// A list of whole numbers that was an attribute before `since`, and is an input from then on.
    ///
    /// `Ok(None)` if it is left out; an error of `Err(())` if it is not known before the network runs.
    pub(crate) fn list(
        &self,
        name: &str,
        place: usize,
        since: i64,
    ) -> Result<Option<Vec<i64>>, NotKnown> {
        if self.opset < since {
            return Ok(self.ints(name).map(<[i64]>::to_vec));
        }
        match self.optional(place) {
            None => Ok(None),
            Some(operand) => operand.numbers().map(Some).ok_or(NotKnown),
        }
    }

    pub(crate) fn fresh(&mut self) -> Dim {
        self.target.symbols.fresh()
    }

    pub(crate) fn or_fresh(&mut self, dim: Option<Dim>) -> Dim {
        self.target.symbols.or_fresh(dim)
    }

    /// The shape, or one of which only the number of axes is known.
    pub(crate) fn of_rank(&mut self, shape: &Shape, rank: usize) -> Result<Vec<Dim>, Problem> {
        match shape {
            Some(dims) if dims.len() != rank => Err(self.wrong(format!(
                "takes a tensor of {rank} axes, and gets one of {}",
                dims.len()
            ))),
            Some(dims) => Ok(dims.clone()),
            None => Ok((0..rank).map(|_| self.fresh()).collect()),
        }
    }

    pub(crate) fn broadcast(&mut self, operands: &[&Operand]) -> Result<Shape, Problem> {
        let shapes: Vec<&Shape> = operands.iter().map(|operand| &operand.shape).collect();
        let shape = broadcast(&shapes, &mut self.target.symbols);
        shape.map_err(|lengths| self.differ(lengths))
    }

    /// The length of an axis that is joined with another.
    pub(crate) fn join(&mut self, a: &Dim, b: &Dim) -> Result<Dim, Problem> {
        let joined = joined(a, b, &mut self.target.symbols);
        joined.map_err(|lengths| self.differ(lengths))
    }

    fn differ(&self, (a, b): (i64, i64)) -> Problem {
        self.wrong(format!(
            "joins tensors of which one has an axis of {a} where the other has {b}"
        ))
    }

    /// Whether a result is read by anyone.
    pub(crate) fn wants(&self, place: usize) -> bool {
        self.wanted.get(place).is_some_and(Option::is_some)
    }

    /// An operation between the inputs and a result. One that reads only constants makes a constant.
    pub(crate) fn emit(
        &mut self,
        rule: Rule,
        inputs: &[&Operand],
        shape: Shape,
    ) -> Result<Operand, Problem> {
        if inputs.iter().all(|operand| operand.is_constant()) {
            let known = match (&rule, inputs) {
                (Rule::Rearrange(sources), [x, ..]) if !sources.iter().any(pads) => x.uniform(),
                _ => None,
            };
            let known = known.map_or(Known::Nothing, Known::Uniform);
            return Ok(Operand::constant(known, shape, self.label.clone()));
        }
        let mut ids = Vec::with_capacity(inputs.len());
        for operand in inputs {
            ids.push(self.target.place(operand)?);
        }
        self.target
            .count(shape.as_ref().map_or(0, Vec::len) + inputs.len())?;
        let id = self.target.net.operation(
            &self.label,
            &clean(&self.node.operator),
            rule,
            &ids,
            extents(&shape),
        )?;
        Ok(Operand::data(id, shape, self.label.clone()))
    }

    /// The last operation of a result.
    pub(crate) fn result(
        &mut self,
        place: usize,
        rule: Rule,
        inputs: &[&Operand],
        shape: Shape,
    ) -> Result<(), Problem> {
        let declared = self.wanted.get(place).copied().flatten().flatten();
        let shape = merged(shape, declared, &mut self.target.symbols);
        let operand = self.emit(rule, inputs, shape)?;
        self.produce(place, operand);
        Ok(())
    }

    /// A result that is known before the network runs.
    pub(crate) fn constant(&mut self, place: usize, known: Known, shape: Shape) {
        let operand = Operand::constant(known, shape, self.label.clone());
        self.produce(place, operand);
    }

    pub(crate) fn produce(&mut self, place: usize, operand: Operand) {
        if let Some(output) = self.outputs.get_mut(place) {
            *output = Some(operand);
        }
    }

    /// The only result, rearranged.
    pub(crate) fn rearrange(
        &mut self,
        x: &Operand,
        sources: Vec<AxisSource>,
        dims: Vec<Dim>,
    ) -> Result<(), Problem> {
        self.result(0, Rule::Rearrange(sources), &[x], Some(dims))
    }
}

fn pads(source: &AxisSource) -> bool {
    matches!(source, AxisSource::Padded(_))
}

/// Of a list that is known only when the network runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotKnown;
