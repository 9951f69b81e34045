//! Tensors: their shape, and what little is needed of their numbers.

use std::io::{Read, Seek};

use crate::error::clean;
use crate::model::{Element, Numbers, Tensor};
use crate::{Problem, proto};

use super::Source;
use super::external::Place;
use super::graph::check_rank;
use super::number::{Collector, Format};
use super::wire::{Span, Value, Wire, malformed, message};

/// Memory of a tensor beyond its fields: mostly the few numbers that may be kept.
const TENSOR_MEMORY: u64 = 512;

impl<R: Read + Seek> Source<R> {
    /// Reads a `TensorProto`.
    pub(super) fn tensor(&mut self, span: Span) -> Result<Tensor, Problem> {
        self.wire.charge(TENSOR_MEMORY)?;
        let mut raw = None;
        let mut typed = Typed::default();
        let tensor: proto::Tensor = message(
            &mut self.wire,
            span,
            proto::Tensor::FIELDS,
            |wire, field| match (field.number, field.value) {
                (proto::Tensor::RAW_DATA, Value::Bytes(span)) => {
                    raw = Some(span);
                    Ok(())
                }
                (number, value) => typed.field(wire, number, value),
            },
        )?;
        let wrong = |what: String| Problem::Tensor {
            tensor: clean(&tensor.name),
            what,
        };
        check_rank(tensor.dims.len(), &tensor.name)?;
        let format = Format::of(tensor.data_type).ok_or_else(|| {
            let kind = tensor.data_type;
            wrong(format!(
                "has elements of the type {kind}, which is not known"
            ))
        })?;
        let (dims, count) = count(&tensor.dims).ok_or_else(|| {
            let dims = &tensor.dims;
            wrong(format!(
                "has the shape {dims:?}, of no or of too many numbers"
            ))
        })?;
        let numbers =
            self.numbers(&tensor, raw, typed, format, count)
                .map_err(|held| match held {
                    Held::Wrong(held) => wrong(format!("has the shape {dims:?}, {held}")),
                    Held::Problem(problem) => problem,
                })?;
        if let Numbers::Ints(_) | Numbers::Floats(_) = numbers {
            self.wire.charge(8 * count)?;
        }
        Ok(Tensor {
            name: tensor.name,
            element: format.element(),
            dims,
            numbers,
        })
    }

    /// What is needed of the numbers, wherever they are.
    fn numbers(
        &mut self,
        tensor: &proto::Tensor,
        raw: Option<Span>,
        typed: Typed,
        format: Format,
        count: u64,
    ) -> Result<Numbers, Held> {
        let expected = format
            .bits()
            .map(|bits| count.saturating_mul(bits).div_ceil(8));
        let check = |bytes: u64| match expected {
            Some(expected) if expected != bytes => Err(Held::Wrong(format!(
                "which takes {expected} bytes, and holds {bytes}"
            ))),
            _ => Ok(()),
        };
        if tensor.data_location == proto::Tensor::EXTERNAL {
            let place = Place::of(tensor)?;
            let (mut wire, span) = place.open(self.folder.as_deref(), expected)?;
            check(span.length())?;
            return Ok(raw_numbers(&mut wire, span, format)?);
        }
        if let Some(span) = raw {
            check(span.length())?;
            return Ok(raw_numbers(&mut self.wire, span, format)?);
        }
        let held = typed.collector.count;
        if typed.any && typed.whole && held != Typed::of(format, count) {
            return Err(Held::Wrong(format!(
                "which takes {count} numbers, and holds {held}"
            )));
        }
        // A model may be written without its weights.
        match held {
            0 if count > 0 => Ok(Numbers::Other),
            _ => Ok(typed.collector.numbers(format)),
        }
    }
}

/// Numbers that do not fit the shape, or cannot be read.
enum Held {
    Wrong(String),
    Problem(Problem),
}

impl From<Problem> for Held {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// The lengths of the axes and their product.
fn count(dims: &[i64]) -> Option<(Vec<usize>, u64)> {
    let lengths: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let lengths = lengths?;
    let mut product: u64 = 1;
    for &length in &lengths {
        product = product.checked_mul(length as u64)?;
    }
    Some((lengths, product))
}

/// Numbers in fields of their type.
#[derive(Default)]
struct Typed {
    collector: Collector,
    any: bool,
    /// Whether all were counted.
    whole: bool,
}

impl Typed {
    fn field<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        number: u32,
        value: Value,
    ) -> Result<(), Problem> {
        let width = match number {
            proto::Tensor::FLOAT_DATA => Some(4),
            proto::Tensor::DOUBLE_DATA => Some(8),
            proto::Tensor::INT32_DATA | proto::Tensor::INT64_DATA | proto::Tensor::UINT64_DATA => {
                None
            }
            _ => return Ok(()),
        };
        if !self.any {
            (self.any, self.whole) = (true, true);
        }
        match (value, width) {
            (Value::Fixed32(bits), Some(4)) => self.collector.push(bits.into()),
            (Value::Fixed64(bits), Some(8)) => self.collector.push(bits),
            (Value::Varint(bits), None) => self.collector.push(bits),
            (Value::Bytes(span), Some(width)) => fixed(wire, span, width, &mut self.collector)?,
            (Value::Bytes(span), None) => self.varints(wire, span)?,
            (Value::Varint(_) | Value::Fixed32(_) | Value::Fixed64(_), _) => {}
        }
        Ok(())
    }

    fn varints<R: Read + Seek>(&mut self, wire: &mut Wire<R>, span: Span) -> Result<(), Problem> {
        let mut rest = span;
        while rest.length() > 0 {
            if !self.collector.wants_more() {
                self.whole = false;
                return Ok(());
            }
            let (bits, next) = wire.varint(rest)?;
            self.collector.push(bits);
            rest.start = next;
        }
        Ok(())
    }

    /// How many numbers stand for `count`: complex ones are two each, and small ones several in one.
    fn of(format: Format, count: u64) -> u64 {
        match format {
            Format::Opaque(Element::Other, _) => count.saturating_mul(2),
            Format::Opaque(_, bits @ 1..8) => count.div_ceil(8 / bits),
            _ => count,
        }
    }
}

fn raw_numbers<R: Read + Seek>(
    wire: &mut Wire<R>,
    span: Span,
    format: Format,
) -> Result<Numbers, Problem> {
    let mut collector = Collector::default();
    if let Some(width) = format.width() {
        fixed(wire, span, width, &mut collector)?;
        return Ok(collector.numbers(format));
    }
    Ok(Numbers::Other)
}

/// Takes numbers of so many bytes each, as long as they add to what is known, and counts them all.
fn fixed<R: Read + Seek>(
    wire: &mut Wire<R>,
    span: Span,
    width: usize,
    collector: &mut Collector,
) -> Result<(), Problem> {
    if !span.length().is_multiple_of(width as u64) {
        let what = format!("{} bytes are no numbers of {width}", span.length());
        return Err(malformed(span.start, &what));
    }
    let mut buffer = [0; 4096];
    let mut start = span.start;
    while start < span.end && collector.wants_more() {
        let length = buffer.len().min((span.end - start) as usize);
        wire.read_at(start, &mut buffer[..length])?;
        for bytes in buffer[..length].chunks_exact(width) {
            let mut bits = [0; 8];
            bits[..width].copy_from_slice(bytes);
            collector.push(u64::from_le_bytes(bits));
        }
        start += length as u64;
    }
    collector.count += (span.end - start) / width as u64;
    Ok(())
}
