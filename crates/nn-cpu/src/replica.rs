//! One run's parameters, momentum buffers and running statistics.

use nn_engine::{EngineError, NamedTensor, ParameterComparison, State, Symmetry};
use nn_graph::{Graph, Op};

/// What one normalisation keeps: running mean and variance, `[C]` each and empty for one of groups, and `ε` at the
/// replica's scale.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) mean: Vec<f32>,
    pub(crate) variance: Vec<f32>,
    pub(crate) epsilon: f64,
}

/// The state of one run, every tensor in the shape the graph gives it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replica {
    pub(crate) parameters: Vec<Vec<f32>>,
    /// Empty for parameters that are fixed.
    pub(crate) momentum: Vec<Vec<f32>>,
    /// One for each normalisation, in the order of [`Graph::normalisers`].
    pub(crate) statistics: Vec<Statistics>,
    /// See [`State::exponents`].
    exponents: Vec<i64>,
}

impl Replica {
    /// From a state of this graph.
    ///
    /// # Errors
    /// [`EngineError::State`], [`EngineError::Rescaling`].
    pub(crate) fn from_state(
        graph: &Graph,
        symmetry: &Symmetry,
        state: &State,
    ) -> Result<Self, EngineError> {
        state.check(graph)?;
        let epsilons = symmetry.epsilons(graph, &state.exponents)?;
        let mut tensors = state.tensors.iter().map(|tensor| narrow(&tensor.values));
        let mut next = || tensors.next().unwrap_or_default();
        let parameters = graph.parameters().iter().map(|_| next()).collect();
        let trained = graph
            .parameters()
            .iter()
            .map(|parameter| parameter.trainable);
        let momentum = trained
            .map(|trained| if trained { next() } else { Vec::new() })
            .collect();
        let normalisers = graph.normalisers().into_iter().zip(epsilons);
        let statistics = normalisers
            .map(|(id, epsilon)| {
                let mut averaged = || match graph.node(id).op {
                    Op::BatchNorm(_) => next(),
                    _ => Vec::new(),
                };
                Statistics {
                    mean: averaged(),
                    variance: averaged(),
                    epsilon,
                }
            })
            .collect();
        Ok(Self {
            parameters,
            momentum,
            statistics,
            exponents: state.exponents.clone(),
        })
    }

    /// Bytes of its tensors.
    pub(crate) fn bytes(graph: &Graph) -> u128 {
        size_of::<f32>() as u128 * State::values(graph)
    }

    /// The state, in the order of [`State`].
    pub(crate) fn state(&self, graph: &Graph) -> State {
        let mut state = State::initial(graph, 0);
        state.exponents.clone_from(&self.exponents);
        let batches = self.statistics.iter().filter(|s| !s.mean.is_empty());
        let statistics = batches.flat_map(|s| [&s.mean, &s.variance]);
        let momentum = self.momentum.iter().filter(|buffer| !buffer.is_empty());
        let values = self.parameters.iter().chain(momentum).chain(statistics);
        for (NamedTensor { values: to, .. }, from) in state.tensors.iter_mut().zip(values) {
            to.clear();
            to.extend(from.iter().copied().map(f64::from));
        }
        state
    }

    /// Norms and cosines of every parameter.
    pub(crate) fn compare(&self, other: &Self) -> Vec<ParameterComparison> {
        let widened = |(a, b): (&f32, &f32)| (f64::from(*a), f64::from(*b));
        let pairs = self.parameters.iter().zip(&other.parameters);
        pairs
            .map(|(a, b)| ParameterComparison::of(a.iter().zip(b).map(widened)))
            .collect()
    }
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
