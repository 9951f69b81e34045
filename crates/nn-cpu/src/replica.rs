//! One run's parameters, what its optimiser keeps of their gradients, and running statistics.

use nn_engine::{EngineError, EngineOptions, NamedTensor, Optimiser, ParameterComparison, State};
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
    /// Momentum buffers or first moments; empty for parameters that are fixed.
    pub(crate) momentum: Vec<Vec<f32>>,
    /// Second moments; empty for parameters that are fixed, and where the optimiser has none.
    pub(crate) second_moment: Vec<Vec<f32>>,
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
        options: &EngineOptions,
        state: &State,
    ) -> Result<Self, EngineError> {
        state.check(graph, options.optimiser)?;
        let epsilons = options.symmetry.epsilons(graph, &state.exponents)?;
        let mut tensors = state.tensors.iter().map(|tensor| narrow(&tensor.values));
        let mut next = || tensors.next().unwrap_or_default();
        let parameters = graph.parameters().iter().map(|_| next()).collect();
        let mut buffers = |kept: bool| {
            let parameters = graph.parameters().iter();
            let kept = parameters.map(|parameter| kept && parameter.trainable);
            kept.map(|kept| if kept { next() } else { Vec::new() })
                .collect()
        };
        let momentum = buffers(true);
        let second_moment = buffers(options.optimiser == Optimiser::AdamW);
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
            second_moment,
            statistics,
            exponents: state.exponents.clone(),
        })
    }

    /// Bytes of its tensors.
    pub(crate) fn bytes(graph: &Graph, optimiser: Optimiser) -> u128 {
        size_of::<f32>() as u128 * State::values(graph, optimiser)
    }

    /// The state, in the order of [`State`].
    pub(crate) fn state(&self, graph: &Graph, optimiser: Optimiser) -> State {
        let mut state = State::initial(graph, 0).with_optimiser(graph, optimiser);
        state.exponents.clone_from(&self.exponents);
        let batches = self.statistics.iter().filter(|s| !s.mean.is_empty());
        let statistics = batches.flat_map(|s| [&s.mean, &s.variance]);
        let buffers = self.momentum.iter().chain(&self.second_moment);
        let buffers = buffers.filter(|buffer| !buffer.is_empty());
        let values = self.parameters.iter().chain(buffers).chain(statistics);
        for (NamedTensor { values: to, .. }, from) in state.tensors.iter_mut().zip(values) {
            to.clear();
            to.extend(from.iter().copied().map(f64::from));
        }
        state
    }

    /// Norms of every parameter, and how far its directions are apart.
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
