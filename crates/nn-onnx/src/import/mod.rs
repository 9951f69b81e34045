//! From a [`Model`] to a [`Network`].

mod dim;
mod element;
mod fold;
mod graph;
mod initialisers;
mod known;
mod layer;
mod op;
mod operand;
mod shape;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use nn_graph::network::{Extents, Network, TensorId};

use crate::error::clean;
use crate::model::{Extent, Model, Node};
use crate::read::check_rank;
use crate::{OnnxError, Problem};

pub use graph::{FileParameter, ImportedGraph};
use layer::{Layer, Target};
use operand::Operand;

/// The network of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Everything that the results depend on. Parameters bear the names of the file's initialisers, and are in the order in
    /// which these are; operations bear the names of the nodes.
    pub network: Network,
    /// Operators that are not known, or not in the form in which they occur: [`Rule::Unknown`](nn_graph::network::Rule::Unknown)
    /// in the network.
    pub unsupported: Vec<Unsupported>,
    /// The shape of every tensor of the file, by its name; none for one of which not even the number of axes is known,
    /// or on which no result depends.
    pub extents: HashMap<String, Extents>,
    /// Of each batch normalisation what it normalises, and the name of its running mean, such as `bn1.running_mean`.
    pub running_means: Vec<(TensorId, String)>,
}

/// An operator that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// Its name, such as `LSTM`, with the domain if that is not the default one, such as `com.microsoft.Attention`.
    pub operator: String,
    /// The nodes.
    pub layers: Vec<String>,
}

impl Model {
    /// The network that the file describes.
    ///
    /// # Errors
    /// [`OnnxError`] if nodes, tensors and shapes do not fit each other, or if there are branches or loops.
    pub fn import(&self) -> Result<Imported, OnnxError> {
        Importer::new(self)
            .and_then(|mut importer| {
                importer.nodes()?;
                importer.finish()
            })
            .map_err(|problem| problem.in_file(&self.file))
    }
}

struct Importer<'a> {
    model: &'a Model,
    target: Target,
    tensors: HashMap<&'a str, Operand>,
    /// Parameters that nodes hold, by the names of their results.
    weights_in_nodes: HashMap<&'a str, Operand>,
    declared: HashMap<&'a str, &'a [Extent]>,
    /// For each tensor the node that makes it.
    makers: HashMap<&'a str, usize>,
    /// Tensors that a result depends on.
    needed: HashSet<&'a str>,
    unsupported: Vec<Unsupported>,
    /// For each operator its place in `unsupported`.
    places: HashMap<String, usize>,
}

impl<'a> Importer<'a> {
    fn new(model: &'a Model) -> Result<Self, Problem> {
        let graph = &model.graph;
        let values = graph.values.iter().chain(&graph.outputs);
        let declared =
            values.filter_map(|value| Some((value.name.as_str(), value.shape.as_deref()?)));
        let mut importer = Self {
            model,
            target: Target::default(),
            tensors: HashMap::new(),
            weights_in_nodes: HashMap::new(),
            declared: declared.collect(),
            makers: HashMap::new(),
            needed: graph.outputs.iter().map(|out| out.name.as_str()).collect(),
            unsupported: Vec::new(),
            places: HashMap::new(),
        };
        for node in graph.nodes.iter().rev() {
            if node.outputs.iter().any(|name| importer.needs(name)) {
                let inputs = node.inputs.iter().map(String::as_str);
                importer.needed.extend(inputs);
            }
        }
        importer.inputs()?;
        importer.initialisers()?;
        importer.find_makers()?;
        Ok(importer)
    }

    fn needs(&self, tensor: &str) -> bool {
        !tensor.is_empty() && self.needed.contains(tensor)
    }

    fn inputs(&mut self) -> Result<(), Problem> {
        for input in self.model.graph.data() {
            let name = input.name.as_str();
            let shape = shape::declared(input.shape.as_deref(), &mut self.target.symbols);
            self.target.count(shape.as_ref().map_or(0, Vec::len))?;
            let id = self.target.net.input(&clean(name), shape::extents(&shape));
            self.tensors
                .insert(name, Operand::data(id, shape, clean(name).into()));
        }
        Ok(())
    }

    fn find_makers(&mut self) -> Result<(), Problem> {
        for (place, node) in self.model.graph.nodes.iter().enumerate() {
            for name in node.outputs.iter().filter(|name| !name.is_empty()) {
                let there = self.tensors.contains_key(name.as_str());
                if there || self.makers.insert(name, place).is_some() {
                    return Err(Problem::MadeTwice {
                        node: clean(node.label()),
                        operator: clean(&node.operator),
                        tensor: clean(name),
                    });
                }
            }
        }
        Ok(())
    }

    fn nodes(&mut self) -> Result<(), Problem> {
        for node in &self.model.graph.nodes {
            if node.outputs.iter().any(|name| self.needs(name)) {
                self.node(node)?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Imported, Problem> {
        let mut outputs = Vec::new();
        for output in &self.model.graph.outputs {
            let operand = self.tensors.get(output.name.as_str());
            let operand = operand.ok_or_else(|| Problem::MissingResult {
                tensor: clean(&output.name),
            })?;
            outputs.push(self.target.place(operand)?);
        }
        let extents = |(name, operand): (&&str, &Operand)| {
            Some(((*name).to_owned(), shape::extents(&operand.shape)?))
        };
        Ok(Imported {
            extents: self.tensors.iter().filter_map(extents).collect(),
            running_means: self.target.running_means,
            network: self.target.net.finish(outputs)?,
            unsupported: self.unsupported,
        })
    }

    fn node(&mut self, node: &'a Node) -> Result<(), Problem> {
        if let Some((name, _)) = node.constant()
            && let Some(weight) = self.weights_in_nodes.remove(name)
        {
            self.tensors.insert(name, weight);
            return Ok(());
        }
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            inputs.push(self.read(node, name)?);
        }
        let wants = |name: &String| {
            self.needs(name)
                .then(|| self.declared.get(name.as_str()).copied())
        };
        let mut layer = Layer {
            wanted: node.outputs.iter().map(wants).collect(),
            outputs: vec![None; node.outputs.len()],
            label: clean(node.label()).into(),
            opset: self.model.opset,
            inputs,
            node,
            target: &mut self.target,
        };
        let outcome = op::import(&mut layer)?;
        let floats = element::makes_floats(node, &layer.inputs);
        let (outputs, label) = (layer.outputs, layer.label);
        for (place, (name, operand)) in node.outputs.iter().zip(outputs).enumerate() {
            if let Some(mut operand) = operand {
                operand.is_float |= floats && place == 0;
                check_rank(operand.rank().unwrap_or(0), name)?;
                self.tensors.insert(name, operand);
            }
        }
        if outcome == op::Outcome::Unknown {
            self.report(node, &label);
        }
        Ok(())
    }

    fn read(&self, node: &Node, name: &str) -> Result<Option<Operand>, Problem> {
        if name.is_empty() {
            return Ok(None);
        }
        if let Some(operand) = self.tensors.get(name) {
            return Ok(Some(operand.clone()));
        }
        let (label, operator) = (clean(node.label()), clean(&node.operator));
        let tensor = clean(name);
        Err(match self.makers.get(name) {
            None => Problem::MissingTensor {
                node: label,
                operator,
                tensor,
            },
            Some(&maker) => Problem::OutOfOrder {
                node: label,
                operator,
                tensor,
                maker: clean(self.model.graph.nodes[maker].label()),
            },
        })
    }

    fn report(&mut self, node: &Node, label: &Rc<str>) {
        let operator = match node.domain.as_str() {
            "" | "ai.onnx" => clean(&node.operator),
            domain => clean(&format!("{domain}.{}", node.operator)),
        };
        let new = self.unsupported.len();
        let place = *self.places.entry(operator.clone()).or_insert(new);
        if place == new {
            self.unsupported.push(Unsupported {
                operator,
                layers: Vec::new(),
            });
        }
        self.unsupported[place].layers.push(label.to_string());
    }
}
