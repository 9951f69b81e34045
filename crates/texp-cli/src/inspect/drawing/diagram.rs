//! What is drawn of a network: boxes, and what goes from one to another.

use std::collections::{BTreeMap, HashMap, HashSet};

use nn_graph::network::{Extents, Network, Operation, Source, TensorId};
use scale_invariance::{Degree, TensorDegrees};

/// Boxes in an order in which each comes after those that it reads.
pub(super) struct Diagram {
    pub(super) boxes: Vec<Node>,
}

/// An input, a layer or a result.
pub(super) struct Node {
    /// What it is, such as `Conv`.
    pub(super) kind: String,
    /// Its name.
    pub(super) name: String,
    /// Its weights: their names, and shapes and exponents.
    pub(super) weights: Vec<(String, String)>,
    /// What breaks the scaling in it.
    pub(super) violation: Option<String>,
    /// The tensors that it reads from other boxes.
    pub(super) reads: Vec<Edge>,
}

/// A tensor on its way from one box to another.
pub(super) struct Edge {
    /// The box that makes it.
    pub(super) from: usize,
    pub(super) tensor: TensorId,
    /// How it scales.
    pub(super) degree: String,
    /// Its name and shape, and how it scales whatever the exponents.
    pub(super) told: String,
}

/// A network on its way to a diagram.
struct Builder<'a> {
    network: &'a Network,
    degrees: &'a TensorDegrees,
    /// The exponents of trained parameters.
    exponents: HashMap<TensorId, Degree>,
    /// Of each tensor that depends on weights and constants alone, the weights.
    weights: BTreeMap<TensorId, Vec<TensorId>>,
    /// Of each other tensor the box that makes it.
    makers: HashMap<TensorId, usize>,
    /// The last operation that has a box.
    last: Option<&'a Operation>,
    boxes: Vec<Node>,
    /// What each box is known to read.
    drawn: HashSet<(usize, TensorId)>,
}

impl Diagram {
    /// One box for the operations of a layer. What is computed from weights alone, such as a transposed weight, has none:
    /// the weights stand beside the layer that uses it.
    pub(super) fn of(network: &Network, exponents: &[Degree], degrees: &TensorDegrees) -> Self {
        let trained = network.parameters().filter(|&id| network.is_trainable(id));
        let mut builder = Builder {
            network,
            degrees,
            exponents: trained.zip(exponents.iter().copied()).collect(),
            weights: BTreeMap::new(),
            makers: HashMap::new(),
            last: None,
            boxes: Vec::new(),
            drawn: HashSet::new(),
        };
        for id in network.tensor_ids() {
            match &network.tensor(id).source {
                Source::Input => builder.input(id),
                Source::Parameter { .. } => {
                    builder.weights.insert(id, vec![id]);
                }
                Source::Constant(_) => {
                    builder.weights.insert(id, Vec::new());
                }
                Source::Operation(place) => builder.operation(*place),
            }
        }
        for &output in network.outputs() {
            builder.result(output);
        }
        Self {
            boxes: builder.boxes,
        }
    }
}

impl<'a> Builder<'a> {
    fn input(&mut self, id: TensorId) {
        self.makers.insert(id, self.boxes.len());
        self.boxes.push(Node {
            kind: "input".into(),
            name: self.network.tensor(id).name.clone(),
            weights: Vec::new(),
            violation: None,
            reads: Vec::new(),
        });
    }

    fn operation(&mut self, place: usize) {
        let operation = &self.network.operations()[place];
        let violation = self.degrees.violations.get(&Some(place));
        let violation = violation.map(ToString::to_string);
        let weights = operation.inputs.iter().map(|input| self.weights.get(input));
        let weights: Option<Vec<&Vec<TensorId>>> = weights.collect();
        if let (Some(weights), None) = (weights, &violation) {
            let weights = weights.into_iter().flatten().copied().collect();
            self.weights.insert(operation.output, weights);
            return;
        }
        let at = self.box_of(operation);
        for &input in &operation.inputs {
            self.read(at, input);
        }
        let layer = &mut self.boxes[at];
        layer.violation = layer.violation.take().or(violation);
        self.makers.insert(operation.output, at);
    }

    /// The box of an operation: that of the one before it, if both are of one layer.
    fn box_of(&mut self, operation: &'a Operation) -> usize {
        let last = self.last.replace(operation);
        let is_same =
            |last: &&Operation| (&last.layer, &last.kind) == (&operation.layer, &operation.kind);
        let last = last.filter(is_same).map(|last| last.output);
        let goes_on = last.and_then(|output| self.makers.get(&output).copied());
        goes_on.unwrap_or_else(|| {
            self.boxes.push(Node {
                kind: operation.kind.clone(),
                name: operation.layer.clone(),
                weights: Vec::new(),
                violation: None,
                reads: Vec::new(),
            });
            self.boxes.len() - 1
        })
    }

    fn result(&mut self, output: TensorId) {
        let violation = self.degrees.violations.get(&None);
        let violation = violation.map(ToString::to_string);
        self.boxes.push(Node {
            kind: "result".into(),
            name: self.network.tensor(output).name.clone(),
            weights: Vec::new(),
            violation,
            reads: Vec::new(),
        });
        self.read(self.boxes.len() - 1, output);
    }

    /// A box reads a tensor: from another box, or as a weight of its own.
    fn read(&mut self, at: usize, tensor: TensorId) {
        match self.makers.get(&tensor) {
            Some(&from) if from == at => {}
            Some(&from) => {
                if !self.drawn.insert((at, tensor)) {
                    return;
                }
                let told = &self.network.tensor(tensor);
                let edge = Edge {
                    from,
                    tensor,
                    degree: self.degree(tensor),
                    told: format!(
                        "{} {}: {}",
                        told.name,
                        shape(told.extents.as_ref()),
                        self.degrees.forms[tensor.index()].join("; ")
                    ),
                };
                self.boxes[at].reads.push(edge);
            }
            None => {
                let weights = self.weights.get(&tensor).into_iter().flatten();
                let told: Vec<(String, String)> =
                    weights.map(|&weight| self.weight(weight)).collect();
                self.boxes[at].weights.extend(told);
            }
        }
    }

    fn weight(&self, weight: TensorId) -> (String, String) {
        let tensor = self.network.tensor(weight);
        let exponent = match self.exponents.get(&weight) {
            Some(exponent) => exponent.to_string(),
            None => "fixed".into(),
        };
        let shape = shape(tensor.extents.as_ref());
        (tensor.name.clone(), format!("{shape} · {exponent}"))
    }

    fn degree(&self, tensor: TensorId) -> String {
        let degrees = &self.degrees.tensors[tensor.index()];
        let degrees: Vec<String> = degrees.iter().map(Degree::to_string).collect();
        if degrees.is_empty() {
            return "–".into();
        }
        degrees.join(", ")
    }
}

fn shape(extents: Option<&Extents>) -> String {
    let Some(extents) = extents else {
        return "?".into();
    };
    let length = |length: &Option<usize>| length.map_or("?".into(), |length| length.to_string());
    let lengths: Vec<String> = extents.iter().map(length).collect();
    lengths.join("×")
}
