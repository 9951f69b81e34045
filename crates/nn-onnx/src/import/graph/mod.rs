//! From a [`Model`] to a [`Graph`] that engines can run.

mod op;

use std::collections::{HashMap, HashSet};

use nn_graph::{Graph, GraphBuilder, NodeId, Shape};

use crate::error::clean;
use crate::model::{Model, Node};
use crate::{OnnxError, Problem};

use super::Importer;
use super::layer::Layer;
use super::operand::Operand;

/// The network of a file, as engines run it.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportedGraph {
    /// The network. Its parameters have initial values of their own, not those of the file.
    pub graph: Graph,
    /// Where each of its parameters stands in the file, in the graph's order.
    pub parameters: Vec<FileParameter>,
}

/// A parameter in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileParameter {
    /// Its name in the file, and in [`Imported::network`](crate::Imported::network).
    pub name: String,
    /// Whether it stands as `[in, out]` in the file: the graph has `[out, in]`.
    pub transposed: bool,
}

impl Model {
    /// The network that the file describes, if it has only operations that engines have.
    ///
    /// Batch normalisation is taken as in training, as everywhere in this crate. A weight that stands in a `Constant` node is
    /// one that is not trained.
    ///
    /// # Errors
    /// [`Problem::NotForEngines`] with the first operation that no engine has; else as [`import`](Self::import).
    pub fn import_graph(&self) -> Result<ImportedGraph, OnnxError> {
        Importer::new(self)
            .and_then(|mut importer| {
                importer.nodes()?;
                Building::new(importer)?.run()
            })
            .map_err(|problem| problem.in_file(&self.file))
    }
}

/// What a tensor of the file is in the graph.
#[derive(Clone, Debug)]
enum Value<'a> {
    Node(NodeId),
    /// A parameter with its two axes exchanged.
    Transposed(&'a str),
    /// A matrix product to which a bias may yet be added.
    Product {
        node: &'a Node,
        x: NodeId,
        weight: Weight<'a>,
    },
    /// An image of which one of the two axes of positions has been sliced.
    Sliced {
        x: NodeId,
        axis: usize,
        step: usize,
    },
}

/// The weight of a linear layer.
#[derive(Clone, Debug)]
struct Weight<'a> {
    name: &'a str,
    transposed: bool,
    features: usize,
    trained: bool,
}

struct Building<'a> {
    importer: Importer<'a>,
    net: GraphBuilder,
    values: HashMap<&'a str, Value<'a>>,
    /// How often each tensor is read.
    readers: HashMap<&'a str, usize>,
    parameters: Vec<FileParameter>,
    /// Their names as they stand in the file.
    recorded: HashSet<&'a str>,
    /// The names of nodes, and how many wanted each.
    names: HashMap<String, usize>,
}

/// A node while it becomes a part of the graph.
struct Step<'a, 'b> {
    layer: Layer<'b>,
    node: &'a Node,
}

impl<'a> Building<'a> {
    fn new(importer: Importer<'a>) -> Result<Self, Problem> {
        let graph = &importer.model.graph;
        let mut inputs = graph.data();
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err(not_a_classifier("reads one tensor of images"));
        };
        let operand = importer.tensors.get(input.name.as_str());
        let dims = operand.and_then(|operand| operand.shape.as_deref());
        let lengths: Option<Vec<usize>> = match dims {
            Some([_, image @ ..]) if image.len() == 3 => {
                image.iter().map(super::dim::Dim::extent).collect()
            }
            _ => None,
        };
        let lengths = lengths.ok_or_else(|| {
            not_a_classifier("reads images of a known size, [batch, channels, height, width]")
        })?;
        let net = GraphBuilder::new(Shape::new(lengths))?;
        let mut readers = HashMap::new();
        let read = graph.nodes.iter().flat_map(|node| &node.inputs);
        let results = graph.outputs.iter().map(|output| &output.name);
        for name in read.chain(results) {
            *readers.entry(name.as_str()).or_insert(0) += 1;
        }
        let values = HashMap::from([(input.name.as_str(), Value::Node(net.input()))]);
        Ok(Self {
            importer,
            net,
            values,
            readers,
            parameters: Vec::new(),
            recorded: HashSet::new(),
            names: HashMap::from([("input".to_owned(), 1)]),
        })
    }

    fn run(mut self) -> Result<ImportedGraph, Problem> {
        let graph = &self.importer.model.graph;
        let [output] = &graph.outputs[..] else {
            return Err(not_a_classifier("has one result"));
        };
        for node in &graph.nodes {
            let computes = |name: &String| {
                let operand = self.importer.tensors.get(name.as_str());
                self.importer.needs(name) && operand.is_some_and(|operand| !operand.is_constant())
            };
            // Shapes and other constants have been computed by the first importer; a node may also hold a weight.
            if node.outputs.iter().any(computes) && node.constant().is_none() {
                self.node(node)?;
            }
        }
        let output = match self.values.get(output.name.as_str()).cloned() {
            Some(Value::Node(id)) => id,
            Some(Value::Product { node, x, weight }) => self.linear(node, x, weight, None)?,
            _ => return Err(not_a_classifier("has a result that it computes")),
        };
        Ok(ImportedGraph {
            graph: self.net.finish(output)?,
            parameters: self.parameters,
        })
    }

    fn node(&mut self, node: &'a Node) -> Result<(), Problem> {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            inputs.push(self.importer.read(node, name)?);
        }
        let opset = self.importer.model.opset;
        let layer = Layer {
            wanted: Vec::new(),
            outputs: Vec::new(),
            label: clean(node.label()).into(),
            opset,
            inputs,
            node,
            target: &mut super::layer::Target::default(),
        };
        let value = self.value(&Step { layer, node })?;
        if let Some(name) = node.outputs.first() {
            self.values.insert(name, value);
        }
        Ok(())
    }

    /// The node of the graph that makes an input.
    fn image(&mut self, step: &Step<'a, '_>, place: usize) -> Result<NodeId, Problem> {
        let name = step.node.inputs.get(place).map(String::as_str);
        let name = name.unwrap_or_default();
        match self.values.get(name).cloned() {
            Some(Value::Node(id)) => Ok(id),
            // Only one node reads a product.
            Some(Value::Product { node, x, weight }) => self.linear(node, x, weight, None),
            Some(Value::Sliced { .. }) => Err(step.refused("reads an image with one axis sliced")),
            Some(Value::Transposed(_)) | None => Err(step.refused(format!(
                "reads `{}`, which is no result of an operation on images",
                clean(name)
            ))),
        }
    }

    /// A name that is not taken: of the layer that the weight belongs to, or of the tensor.
    fn name(&mut self, weight: Option<&str>, node: &Node) -> String {
        let stem = weight.and_then(|name| name.strip_suffix(".weight"));
        let tensor = node.outputs.first().map_or("", String::as_str);
        let wanted = clean(stem.unwrap_or(tensor));
        let mut name = wanted.clone();
        while self.names.contains_key(&name) {
            let count = self.names.entry(wanted.clone()).or_default();
            *count += 1;
            name = format!("{wanted}#{count}");
        }
        self.names.insert(name.clone(), 1);
        name
    }

    fn record(&mut self, name: &'a str, transposed: bool) -> Result<(), Problem> {
        let first = self.recorded.insert(name);
        let name = clean(name);
        if !first {
            return Err(Problem::Tensor {
                tensor: name,
                what: "is the weight of two layers; engines give every layer its own".into(),
            });
        }
        self.parameters.push(FileParameter { name, transposed });
        Ok(())
    }
}

impl<'a> Step<'a, '_> {
    fn refused(&self, what: impl Into<String>) -> Problem {
        Problem::NotForEngines {
            node: self.layer.label.to_string(),
            operator: clean(&self.node.operator),
            what: what.into(),
        }
    }

    /// A parameter that the node reads, with its name.
    fn trained(&self, place: usize, what: &str) -> Result<(&'a str, Operand), Problem> {
        let operand = self.layer.input(place)?;
        let name = self.node.inputs[place].as_str();
        if operand.is_constant() {
            let name = clean(name);
            return Err(self.refused(format!(
                "{what} `{name}` is a constant, and engines train it"
            )));
        }
        Ok((name, operand))
    }

    /// An attribute that is the same for both axes of positions, before and after.
    fn square(&self, name: &str, default: usize) -> Result<usize, Problem> {
        let Some(ints) = self.layer.ints(name) else {
            return Ok(default);
        };
        let first = ints.first().and_then(|&int| usize::try_from(int).ok());
        first
            .filter(|_| ints.iter().all(|int| Some(int) == ints.first()))
            .ok_or_else(|| {
                self.refused(format!(
                    "engines take one number for all of {name}, not {ints:?}"
                ))
            })
    }
}

fn not_a_classifier(what: &'static str) -> Problem {
    Problem::NotAClassifier { what }
}
