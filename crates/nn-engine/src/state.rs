//! Everything a replica's future depends on, as named tensors.

use nn_graph::{Graph, Op};

use crate::EngineError;

/// A tensor with its name. Values are float64 whatever the engine's precision: the conversion from
/// float32 loses nothing, and back gives the same bits.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Name, see [`State`].
    pub name: String,
    /// Shape, outermost first.
    pub shape: Vec<usize>,
    /// Elements, row-major.
    pub values: Vec<f64>,
}

/// A replica's parameters, momentum buffers and running statistics, and its scale.
///
/// For every parameter `p`: a tensor `p`, and `p.momentum_buffer` if it is trained; for every
/// normaliser `n`: `n.running_mean` and `n.running_variance`, each `[C]`. In this order: parameters,
/// buffers, statistics; each in the graph's order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct State {
    /// The tensors, as the replica holds them: of a rescaled one, the rescaled values.
    pub tensors: Vec<NamedTensor>,
    /// `K_g`: by which power of two the parameter groups have been rescaled since the start of the run; groups that
    /// are not listed have not been. `ε` of the normalisations is scaled with them
    /// ([`Symmetry::epsilons`](crate::Symmetry::epsilons)), so a state without its exponents is another run's.
    pub exponents: Vec<i64>,
}

impl State {
    /// The start of a run: initial parameters from `seed`, buffers 0, running mean 0 and variance 1.
    pub fn initial(graph: &Graph, seed: u64) -> Self {
        let mut tensors = Vec::new();
        for (parameter, values) in graph.parameters().iter().zip(graph.initial_values(seed)) {
            let (name, shape) = (parameter.name.clone(), parameter.shape.clone());
            tensors.push(NamedTensor {
                name,
                shape,
                values,
            });
        }
        for parameter in graph
            .parameters()
            .iter()
            .filter(|parameter| parameter.trainable)
        {
            tensors.push(NamedTensor {
                name: momentum_name(&parameter.name),
                shape: parameter.shape.clone(),
                values: vec![0.0; parameter.elements()],
            });
        }
        for id in graph.batch_norms() {
            let node = graph.node(id);
            let shape = vec![node.shape.channels()];
            for (name, value) in statistics_names(&node.name).into_iter().zip([0.0, 1.0]) {
                tensors.push(NamedTensor {
                    name,
                    shape: shape.clone(),
                    values: vec![value; shape[0]],
                });
            }
        }
        Self {
            tensors,
            exponents: Vec::new(),
        }
    }

    /// Number of values of such a state, for sizes that have not been checked yet.
    pub fn values(graph: &Graph) -> u128 {
        let parameters = graph.parameters().iter().map(|parameter| {
            let with_buffer = if parameter.trainable { 2 } else { 1 };
            with_buffer * parameter.elements() as u128
        });
        let normalisers = graph.batch_norms().into_iter();
        let statistics = normalisers.map(|id| 2 * graph.node(id).shape.channels() as u128);
        parameters.chain(statistics).sum()
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&NamedTensor> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// The tensor of this name, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut NamedTensor> {
        self.tensors.iter_mut().find(|tensor| tensor.name == name)
    }

    /// Checks that these are exactly `graph`'s tensors, in order and with its shapes.
    ///
    /// # Errors
    /// [`EngineError::State`] naming the first tensor that differs.
    pub fn check(&self, graph: &Graph) -> Result<(), EngineError> {
        let expected = Self::initial(graph, 0);
        for (index, wanted) in expected.tensors.iter().enumerate() {
            let Some(found) = self.tensors.get(index) else {
                return Err(EngineError::State(format!(
                    "tensor `{}` is missing",
                    wanted.name
                )));
            };
            if (&found.name, &found.shape) != (&wanted.name, &wanted.shape)
                || found.values.len() != wanted.values.len()
            {
                return Err(EngineError::State(format!(
                    "tensor {index} is `{}` of shape {:?} with {} values; the network has `{}` of shape {:?}",
                    found.name,
                    found.shape,
                    found.values.len(),
                    wanted.name,
                    wanted.shape
                )));
            }
        }
        match self.tensors.get(expected.tensors.len()) {
            None => Ok(()),
            Some(extra) => Err(EngineError::State(format!(
                "tensor `{}` does not belong to the network",
                extra.name
            ))),
        }
    }
}

/// Name of a parameter's momentum buffer.
pub fn momentum_name(parameter: &str) -> String {
    format!("{parameter}.momentum_buffer")
}

/// Names of a normaliser's running mean and variance.
pub fn statistics_names(normaliser: &str) -> [String; 2] {
    [
        format!("{normaliser}.running_mean"),
        format!("{normaliser}.running_variance"),
    ]
}

/// Whether the engine-independent part of a graph can be trained: it has an image input and a
/// vector of logits.
pub(crate) fn check_trainable(graph: &Graph, engine: &'static str) -> Result<(), EngineError> {
    if graph.input_shape().image().is_none() {
        return Err(EngineError::Unsupported {
            engine,
            node: graph.nodes()[0].name.clone(),
            op: Op::Input.name(),
            why: format!("images are [C, H, W], not {}", graph.input_shape()),
        });
    }
    if graph.output_shape().dims().len() != 1 {
        let node = graph.node(graph.output());
        return Err(EngineError::Unsupported {
            engine,
            node: node.name.clone(),
            op: node.op.name(),
            why: format!("the output must be logits, [classes], not {}", node.shape),
        });
    }
    Ok(())
}
