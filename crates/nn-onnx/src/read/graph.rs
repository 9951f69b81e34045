//! Graphs, nodes and attributes.

use std::collections::HashMap;
use std::io::{Read, Seek};

use crate::error::clean;
use crate::model::{Attribute, Declared, Extent, Graph, Node};
use crate::{Problem, proto};

use super::Source;
use super::wire::{Fields, Span, Value, message};

/// Axes that a tensor may have.
pub(crate) const MOST_AXES: usize = 32;

/// Memory of a node beyond its fields.
const NODE_MEMORY: u64 = 512;

/// Key of the note by which PyTorch's exporter tells parameters from buffers.
const KIND: &str = "pkg.torch.export.graph_signature.InputSpec.kind";

impl<R: Read + Seek> Source<R> {
    /// Reads a `GraphProto` and adds it to `graph`.
    pub(super) fn graph(&mut self, span: Span, graph: &mut Graph) -> Result<(), Problem> {
        let mut fields = Fields::of(span);
        while let Some(field) = fields.next(&mut self.wire)? {
            let Value::Bytes(span) = field.value else {
                continue;
            };
            match field.number {
                proto::Graph::NODE => graph.nodes.push(self.node(span)?),
                proto::Graph::INITIALIZER => graph.initialisers.push(self.tensor(span)?),
                proto::Graph::INPUT => graph.inputs.push(self.declared(span)?),
                proto::Graph::OUTPUT => graph.outputs.push(self.declared(span)?),
                proto::Graph::VALUE_INFO => graph.values.push(self.declared(span)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn node(&mut self, span: Span) -> Result<Node, Problem> {
        self.wire.charge(NODE_MEMORY)?;
        let mut spans = Vec::new();
        let node: proto::Node = message(
            &mut self.wire,
            span,
            proto::Node::FIELDS,
            |wire, field| match (field.number, field.value) {
                (proto::Node::ATTRIBUTE, Value::Bytes(span)) => {
                    wire.charge(NODE_MEMORY)?;
                    spans.push(span);
                    Ok(())
                }
                _ => Ok(()),
            },
        )?;
        let mut attributes = HashMap::new();
        for span in spans {
            let (name, attribute) = self.attribute(span)?;
            attributes.insert(name, attribute);
        }
        Ok(Node {
            name: node.name,
            operator: node.op_type,
            domain: node.domain,
            inputs: node.input,
            outputs: node.output,
            attributes,
        })
    }

    fn attribute(&mut self, span: Span) -> Result<(String, Attribute), Problem> {
        let mut tensor = None;
        let proto: proto::Attribute = message(
            &mut self.wire,
            span,
            proto::Attribute::FIELDS,
            |_, field| {
                if let (proto::Attribute::TENSOR, Value::Bytes(span)) = (field.number, field.value)
                {
                    tensor = Some(span);
                }
                Ok(())
            },
        )?;
        let text = |s: &Vec<u8>| Attribute::Text(String::from_utf8_lossy(s).into_owned());
        let attribute = match (proto.r#type, tensor) {
            (_, Some(span)) => Some(Attribute::Tensor(self.tensor(span)?)),
            (proto::Attribute::FLOAT, _) => Some(Attribute::Float(proto.f.unwrap_or(0.0))),
            (proto::Attribute::INT, _) => Some(Attribute::Int(proto.i.unwrap_or(0))),
            (proto::Attribute::STRING, _) => proto.s.as_ref().map(text),
            (proto::Attribute::FLOATS, _) => Some(Attribute::Floats(proto.floats)),
            (proto::Attribute::INTS, _) => Some(Attribute::Ints(proto.ints)),
            _ => None,
        };
        Ok((proto.name, attribute.unwrap_or(Attribute::Other)))
    }

    fn declared(&mut self, span: Span) -> Result<Declared, Problem> {
        let info: proto::ValueInfo = message(
            &mut self.wire,
            span,
            proto::ValueInfo::FIELDS,
            |_, _| Ok(()),
        )?;
        let shape = info.r#type.and_then(|kind| kind.tensor_type?.shape);
        let shape = match shape {
            None => None,
            Some(shape) => {
                check_rank(shape.dim.len(), &info.name)?;
                Some(shape.dim.into_iter().map(extent).collect())
            }
        };
        let notes = info.metadata_props.into_iter();
        let mut kind = notes.filter(|note| note.key == KIND).map(|note| note.value);
        Ok(Declared {
            name: info.name,
            shape,
            kind: kind.next(),
        })
    }
}

/// Refuses tensors of more axes than any network has.
pub(crate) fn check_rank(axes: usize, tensor: &str) -> Result<(), Problem> {
    if axes <= MOST_AXES {
        return Ok(());
    }
    Err(Problem::TooLarge {
        what: format!("the tensor `{}` has {axes} axes", clean(tensor)),
        limit: MOST_AXES as u64,
    })
}

/// A length below 0 is how some programs write one that is not known.
fn extent(dimension: proto::Dimension) -> Extent {
    match dimension.dim_value.map(usize::try_from) {
        Some(Ok(length)) => Extent::Known(length),
        _ if dimension.dim_param.is_empty() => Extent::Unknown,
        _ => Extent::Named(dimension.dim_param),
    }
}
