//! One run's parameters, momentum buffers and running statistics.

use nn_engine::{NamedTensor, ParameterComparison, State};
use nn_graph::Graph;

/// Running mean and variance of one normaliser, `[C]` each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) mean: Vec<f32>,
    pub(crate) variance: Vec<f32>,
}

/// The state of one run, every tensor in the shape the graph gives it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replica {
    pub(crate) parameters: Vec<Vec<f32>>,
    /// Empty for parameters that are fixed.
    pub(crate) momentum: Vec<Vec<f32>>,
    pub(crate) statistics: Vec<Statistics>,
}

impl Replica {
    /// From a state that was checked against the graph.
    pub(crate) fn from_state(graph: &Graph, state: &State) -> Self {
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
        let normalisers = graph.batch_norms();
        let statistics = normalisers
            .iter()
            .map(|_| Statistics {
                mean: next(),
                variance: next(),
            })
            .collect();
        Self {
            parameters,
            momentum,
            statistics,
        }
    }

    /// The state, in the order of [`State`].
    pub(crate) fn state(&self, graph: &Graph) -> State {
        let mut state = State::initial(graph, 0);
        let statistics = self.statistics.iter().flat_map(|s| [&s.mean, &s.variance]);
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
