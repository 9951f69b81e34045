//! Any network, as far as its response to scaling is concerned.
//!
//! A [`Graph`](crate::Graph) holds only what engines train. A [`Network`] holds what can be *analysed*: every
//! tensor with its whole shape (the batch is an axis like others, and may be unknown), parameters as tensors
//! of their own, and for every operation a [`Rule`]: not what it computes, but how its result follows its
//! inputs when they are multiplied by factors. About twenty rules describe some hundred operations, and an
//! operation that is not known is a rule, too.
//!
//! Every graph is a network (`Network::from(&graph)`); `nn-onnx` reads one from a file.

mod builder;
mod from_graph;
mod rule;

pub use builder::NetworkBuilder;
pub use rule::{
    AxisSource, Contract, ContractAxis, Grouped, Normalise, Reduce, Reduction, Rule, Window,
};

/// Index of a tensor in [`Network::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub(crate) usize);

impl TensorId {
    /// Position in [`Network::tensors`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// Lengths of a tensor's axes, outermost first; `None` for one that is not known, such as the batch.
pub type Extents = Vec<Option<usize>>;

/// A tensor of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name, for messages.
    pub name: String,
    /// Its whole shape; `None` where not even the number of axes is known.
    pub extents: Option<Extents>,
    /// Where it comes from.
    pub source: Source,
}

/// Where a tensor comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The data.
    Input,
    /// Weights.
    Parameter {
        /// Whether the optimiser changes it.
        trainable: bool,
    },
    /// Numbers that are part of the network and not weights.
    Constant(Constant),
    /// [`Network::operations`] at this place.
    Operation(usize),
}

/// What is known of a constant's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constant {
    /// All are this one.
    Uniform(f64),
    /// Anything.
    Other,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Name of the layer that it belongs to: a layer may be several operations in a row, such as a product and
    /// the addition of a bias.
    pub layer: String,
    /// What the layer is called where the network came from, such as `Conv`.
    pub kind: String,
    /// How the result follows the inputs.
    pub rule: Rule,
    /// The tensors that it reads.
    pub inputs: Vec<TensorId>,
    /// The tensor that it makes.
    pub output: TensorId,
}

/// A network: operations in an order in which each reads what is there.
///
/// Valid by construction ([`NetworkBuilder`]): every operation has as many inputs as its rule reads, and
/// every axis that a rule names exists where the rank is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) outputs: Vec<TensorId>,
}

impl Network {
    /// All tensors.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The tensor with this id.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// The ids of all tensors, in their order.
    pub fn tensor_ids(&self) -> impl Iterator<Item = TensorId> + use<> {
        (0..self.tensors.len()).map(TensorId)
    }

    /// All operations, each after those whose results it reads.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The tensors that are the network's results.
    pub fn outputs(&self) -> &[TensorId] {
        &self.outputs
    }

    /// The parameters, in order: trained and fixed ones.
    pub fn parameters(&self) -> impl Iterator<Item = TensorId> + '_ {
        let is_parameter =
            |id: &TensorId| matches!(self.tensor(*id).source, Source::Parameter { .. });
        self.tensor_ids().filter(is_parameter)
    }

    /// Whether a tensor is a parameter that the optimiser changes.
    pub fn is_trainable(&self, id: TensorId) -> bool {
        self.tensor(id).source == Source::Parameter { trainable: true }
    }

    /// The same network, with only those parameters trained for which `trained` holds of the name.
    #[must_use]
    pub fn with_trained(mut self, mut trained: impl FnMut(&str) -> bool) -> Self {
        for tensor in &mut self.tensors {
            if let Source::Parameter { trainable } = &mut tensor.source {
                *trainable = *trainable && trained(&tensor.name);
            }
        }
        self
    }
}
