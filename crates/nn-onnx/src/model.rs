//! What is kept of a file.

use std::collections::{HashMap, HashSet};

/// A model as it stands in a file: nodes, shapes, and what is needed of the initialisers' numbers.
///
/// It holds no weight: of a tensor with more than a thousand numbers it knows at most whether they are all the same.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) file: String,
    pub(crate) opset: i64,
    pub(crate) producer: String,
    pub(crate) graph: Graph,
}

impl Model {
    /// Version of the default operator set.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// The program that wrote the file, and its version; empty if it does not say.
    pub fn producer(&self) -> &str {
        &self.producer
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) initialisers: Vec<Tensor>,
    pub(crate) inputs: Vec<Declared>,
    pub(crate) outputs: Vec<Declared>,
    pub(crate) values: Vec<Declared>,
}

impl Graph {
    /// The inputs that are data. Old files list the initialisers among them, too.
    pub(crate) fn data(&self) -> impl Iterator<Item = &Declared> {
        let initialisers = self.initialisers.iter().map(|tensor| tensor.name.as_str());
        let initialised: HashSet<&str> = initialisers.collect();
        let inputs = self.inputs.iter();
        inputs.filter(move |input| !initialised.contains(input.name.as_str()))
    }
}

/// A tensor with the shape that the file gives it.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) shape: Option<Vec<Extent>>,
    /// What PyTorch's exporter says of it: `PARAMETER`, `BUFFER`, …
    pub(crate) kind: Option<String>,
}

/// Length of an axis as a file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Known(usize),
    Named(String),
    Unknown,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) operator: String,
    pub(crate) domain: String,
    /// Names; an empty one for an input that is left out.
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: HashMap<String, Attribute>,
}

impl Node {
    /// What the node is called in messages: its name, or that of its first result.
    pub(crate) fn label(&self) -> &str {
        match self.outputs.iter().find(|name| !name.is_empty()) {
            Some(output) if self.name.is_empty() => output,
            _ => &self.name,
        }
    }

    /// Of a `Constant` node that holds a tensor: the name of its result, and the tensor.
    pub(crate) fn constant(&self) -> Option<(&str, &Tensor)> {
        match (self.operator.as_str(), self.attributes.get("value")) {
            ("Constant", Some(Attribute::Tensor(tensor))) => Some((self.outputs.first()?, tensor)),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Float(f32),
    Int(i64),
    Text(String),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Tensor(Tensor),
    /// Graphs, texts and what no operator here has.
    Other,
}

#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) element: Element,
    pub(crate) dims: Vec<usize>,
    pub(crate) numbers: Numbers,
}

/// What a tensor is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Float,
    /// Whole numbers and truth values.
    Int,
    /// Texts and complex numbers.
    Other,
}

/// What is known of a tensor's numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    /// More than a few but not very many, all the same.
    Uniform(f64),
    Other,
}
