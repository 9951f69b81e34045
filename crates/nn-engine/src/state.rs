//! Everything a replica's future depends on, as named tensors.

use nn_graph::{Graph, Op};

use crate::{EngineError, Optimiser};

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

/// A replica's parameters, what its optimiser keeps of their gradients, and running statistics, and its scale.
///
/// For every parameter `p`: a tensor `p`, and if it is trained `p.momentum_buffer`, or `p.first_moment` and
/// `p.second_moment` of AdamW; for every normaliser `n`: `n.running_mean` and `n.running_variance`, each `[C]`. In this
/// order: parameters, buffers (all first moments before the second ones), statistics; each in the graph's order.
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
    /// The start of a run of SGD or SGDW: initial parameters from `seed`, buffers 0, running mean 0 and variance 1.
    pub fn initial(graph: &Graph, seed: u64) -> Self {
        let parameters = graph.parameters().iter().zip(graph.initial_values(seed));
        let parameters = parameters.map(|(parameter, values)| NamedTensor {
            name: parameter.name.clone(),
            shape: parameter.shape.clone(),
            values,
        });
        let mut tensors: Vec<NamedTensor> = parameters.collect();
        tensors.extend(buffers(graph, Optimiser::Sgd).map(|buffer| filled(buffer, 0.0)));
        for (index, statistic) in statistics(graph).enumerate() {
            // A mean, then its variance.
            tensors.push(filled(statistic, (index % 2) as f64));
        }
        Self {
            tensors,
            exponents: Vec::new(),
        }
    }

    /// The same parameters and statistics with the buffers of this optimiser, all 0: where it starts.
    ///
    /// ```
    /// use nn_engine::{Optimiser, State};
    /// use nn_graph::nets::{Architecture, NetConfig};
    ///
    /// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
    /// let start = State::initial(&graph, 7).with_optimiser(&graph, Optimiser::AdamW);
    /// assert!(start.get("stem.conv1.weight.second_moment").is_some());
    /// assert!(start.get("stem.conv1.weight.momentum_buffer").is_none());
    /// # Ok::<(), nn_graph::GraphError>(())
    /// ```
    #[must_use]
    pub fn with_optimiser(mut self, graph: &Graph, optimiser: Optimiser) -> Self {
        let parameters = graph.parameters().len();
        let statistics = 2 * graph.batch_norms().len();
        let after = self.tensors.len().saturating_sub(statistics);
        if parameters <= after {
            let new = buffers(graph, optimiser).map(|buffer| filled(buffer, 0.0));
            self.tensors.splice(parameters..after, new);
        }
        self
    }

    /// Number of values of such a state, for sizes that have not been checked yet.
    pub fn values(graph: &Graph, optimiser: Optimiser) -> u128 {
        let parameters = graph.parameters().iter().map(|parameter| {
            let buffers = optimiser.buffers().len() as u128;
            let with_buffers = if parameter.trainable { 1 + buffers } else { 1 };
            with_buffers * parameter.elements() as u128
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

    /// Checks that these are exactly the tensors of `graph` and this optimiser, in order and with their shapes.
    ///
    /// # Errors
    /// [`EngineError::State`] naming the first tensor that differs.
    pub fn check(&self, graph: &Graph, optimiser: Optimiser) -> Result<(), EngineError> {
        let expected = layout(graph, optimiser);
        for (index, (name, shape)) in expected.iter().enumerate() {
            let Some(found) = self.tensors.get(index) else {
                return Err(EngineError::State(format!("tensor `{name}` is missing")));
            };
            let values: usize = shape.iter().product();
            if (&found.name, &found.shape) != (name, shape) || found.values.len() != values {
                return Err(EngineError::State(format!(
                    "tensor {index} is `{}` of shape {:?} with {} values; the network has `{name}` of shape {shape:?}{}",
                    found.name,
                    found.shape,
                    found.values.len(),
                    of_optimiser(graph, index, optimiser),
                )));
            }
        }
        match self.tensors.get(expected.len()) {
            None => Ok(()),
            Some(extra) => Err(EngineError::State(format!(
                "tensor `{}` does not belong to the network",
                extra.name
            ))),
        }
    }

    /// Whose buffers it has: AdamW's if there is a first moment.
    pub(crate) fn optimiser(&self, graph: &Graph) -> Optimiser {
        let moment = buffers(graph, Optimiser::AdamW).next();
        match moment.is_some_and(|(name, _)| self.get(&name).is_some()) {
            true => Optimiser::AdamW,
            false => Optimiser::Sgd,
        }
    }
}

/// Name and shape of a tensor.
type Described = (String, Vec<usize>);

/// What an optimiser keeps of the gradients of `graph`'s parameters.
fn buffers(graph: &Graph, optimiser: Optimiser) -> impl Iterator<Item = Described> {
    let kinds = optimiser.buffers().iter();
    kinds.flat_map(|(end, _)| {
        let trained = graph.parameters().iter().filter(|p| p.trainable);
        trained.map(move |p| (format!("{}.{end}", p.name), p.shape.clone()))
    })
}

/// All running statistics.
fn statistics(graph: &Graph) -> impl Iterator<Item = Described> {
    graph.batch_norms().into_iter().flat_map(|id| {
        let node = graph.node(id);
        let shape = vec![node.shape.channels()];
        statistics_names(&node.name).map(|name| (name, shape.clone()))
    })
}

/// All tensors of a state.
fn layout(graph: &Graph, optimiser: Optimiser) -> Vec<Described> {
    let parameters = graph.parameters().iter();
    let parameters = parameters.map(|p| (p.name.clone(), p.shape.clone()));
    let buffers = buffers(graph, optimiser);
    parameters.chain(buffers).chain(statistics(graph)).collect()
}

/// For a message, why a tensor of this number is wanted, if that is for the optimiser.
fn of_optimiser(graph: &Graph, index: usize, optimiser: Optimiser) -> String {
    let parameters = graph.parameters();
    let trained = parameters.iter().filter(|p| p.trainable).count();
    let buffers = parameters.len()..parameters.len() + trained * optimiser.buffers().len();
    match buffers.contains(&index) {
        true => format!(", for {optimiser}"),
        false => String::new(),
    }
}

fn filled((name, shape): Described, value: f64) -> NamedTensor {
    let values = vec![value; shape.iter().product()];
    NamedTensor {
        name,
        shape,
        values,
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
