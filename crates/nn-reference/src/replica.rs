//! One run: parameters, what the optimiser keeps of their gradients, and running statistics.

use nn_engine::statistics_names;
use nn_engine::{
    EngineError, EngineOptions, GroupHyper, NamedTensor, Optimiser, Products, State, Symmetry,
};
use nn_graph::op::BatchNorm;
use nn_graph::{Graph, Op};

use crate::Tensor;
use crate::op::batch_norm::ChannelStatistics;
use crate::optimiser::Memory;

/// State of one run.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    /// In the graph's order.
    pub(crate) parameters: Vec<Tensor>,
    /// `None` for a fixed parameter.
    memories: Vec<Option<Memory>>,
    /// One for each normalisation, empty for those of groups.
    running: Vec<ChannelStatistics>,
    /// `ε` of each normalisation at the replica's scale.
    pub(crate) epsilons: Vec<f64>,
    /// What its convolutions multiply, and what is stored between operations.
    pub(crate) products: Products,
    /// See [`State::exponents`].
    exponents: Vec<i64>,
}

impl Replica {
    /// From a state of this graph.
    pub(crate) fn from_state(
        graph: &Graph,
        options: &EngineOptions,
        state: &State,
    ) -> Result<Self, EngineError> {
        state.check(graph, options.optimiser)?;
        let epsilons = options.symmetry.epsilons(graph, &state.exponents)?;
        // The check has established number, order and sizes of the tensors.
        let mut tensors = state.tensors.iter();
        let mut next = || {
            tensors
                .next()
                .ok_or_else(|| EngineError::State("it has too few tensors".into()))
        };
        let mut parameters = Vec::new();
        for _ in graph.parameters() {
            parameters.push(tensor(next()?)?);
        }
        let trained = graph.parameters().iter().map(|p| p.trainable);
        let mut buffers = || -> Result<Vec<Option<Tensor>>, EngineError> {
            let buffers = trained.clone().map(|trained| match trained {
                true => Ok(Some(tensor(next()?)?)),
                false => Ok(None),
            });
            buffers.collect()
        };
        let memories = match options.optimiser {
            Optimiser::Sgd | Optimiser::Sgdw => {
                let momenta = buffers()?.into_iter();
                momenta.map(|b| b.map(Memory::Momentum)).collect()
            }
            Optimiser::AdamW => {
                let (first, second) = (buffers()?, buffers()?);
                let both = first.into_iter().zip(second);
                both.map(|(m, v)| Some(Memory::Moments(m?, v?))).collect()
            }
        };
        let mut running = Vec::new();
        for id in graph.normalisers() {
            running.push(match graph.node(id).op {
                Op::BatchNorm(_) => ChannelStatistics {
                    mean: next()?.values.clone(),
                    variance: next()?.values.clone(),
                    values: 0,
                },
                _ => ChannelStatistics::none(),
            });
        }
        Ok(Self {
            parameters,
            memories,
            running,
            epsilons,
            products: options.products,
            exponents: state.exponents.clone(),
        })
    }

    /// A copy as named tensors.
    pub(crate) fn state(&self, graph: &Graph, optimiser: Optimiser) -> State {
        let mut tensors = Vec::new();
        let described = graph.parameters();
        for (parameter, value) in described.iter().zip(&self.parameters) {
            tensors.push(named(parameter.name.clone(), &parameter.shape, value));
        }
        // All buffers of a kind, then the next.
        for kind in 0..2 {
            for (parameter, memory) in described.iter().zip(&self.memories) {
                let buffer = memory.as_ref().and_then(|memory| memory.buffer(kind));
                let name = optimiser.buffer_names(&parameter.name).nth(kind);
                if let (Some(name), Some(buffer)) = (name, buffer) {
                    tensors.push(named(name, &parameter.shape, buffer));
                }
            }
        }
        let batches = (self.running.iter()).filter(|running| !running.mean.is_empty());
        for (id, running) in graph.batch_norms().into_iter().zip(batches) {
            let names = statistics_names(&graph.node(id).name);
            for (name, values) in names.into_iter().zip([&running.mean, &running.variance]) {
                tensors.push(NamedTensor {
                    name,
                    shape: vec![values.len()],
                    values: values.clone(),
                });
            }
        }
        State {
            tensors,
            exponents: self.exponents.clone(),
        }
    }

    /// Running statistics multiplied by what the scale ratios ask for.
    pub(crate) fn rescaled_running(
        &self,
        symmetry: &Symmetry,
        scale_ratios: impl Iterator<Item = f64> + Clone,
    ) -> Vec<ChannelStatistics> {
        let mut running = self.running.clone();
        for (normaliser, statistics) in running.iter_mut().enumerate() {
            let (of_mean, of_variance) =
                symmetry.statistics_factors(normaliser, scale_ratios.clone());
            statistics.mean.iter_mut().for_each(|mean| *mean *= of_mean);
            let variance = statistics.variance.iter_mut();
            variance.for_each(|variance| *variance *= of_variance);
        }
        running
    }

    /// `r ← (1 − 0.1) f r + 0.1 s`: `f` the rescaling, `s` the batch's mean or unbiased variance.
    pub(crate) fn move_running(
        &mut self,
        symmetry: &Symmetry,
        hyper: &[GroupHyper],
        batch: &[ChannelStatistics],
    ) {
        let ratios = hyper.iter().map(|group| group.scale_ratio);
        self.running = self.rescaled_running(symmetry, ratios);
        let moved = |running: f64, batch: f64| {
            let weight = BatchNorm::STATISTICS_MOMENTUM;
            (1.0 - weight) * running + weight * batch
        };
        for (running, batch) in self.running.iter_mut().zip(batch) {
            for (running, &batch) in running.mean.iter_mut().zip(&batch.mean) {
                *running = moved(*running, batch);
            }
            let unbiasing = batch.unbiasing();
            for (running, &batch) in running.variance.iter_mut().zip(&batch.variance) {
                *running = moved(*running, batch * unbiasing);
            }
        }
    }

    /// Updates every trained parameter with its group's values.
    pub(crate) fn update(
        &mut self,
        options: &EngineOptions,
        hyper: &[GroupHyper],
        gradients: &[Tensor],
    ) {
        let memories = self.memories.iter_mut().zip(&mut self.parameters);
        for (index, (memory, parameter)) in memories.enumerate() {
            let with = hyper[options.symmetry.group[index]].update(options.optimiser);
            if let Some(memory) = memory {
                memory.update(parameter, &gradients[index], &with);
            }
        }
    }
}

/// Values as a tensor of four dimensions, ones at the end.
fn tensor(source: &NamedTensor) -> Result<Tensor, EngineError> {
    let dim = |index: usize| source.shape.get(index).copied().unwrap_or(1);
    let shape = (dim(0), dim(1), dim(2), dim(3));
    Tensor::from_shape_vec(shape, source.values.clone())
        .map_err(|error| EngineError::State(format!("tensor `{}`: {error}", source.name)))
}

/// A tensor with its name, in the shape the graph gives it.
pub(crate) fn named(name: String, shape: &[usize], tensor: &Tensor) -> NamedTensor {
    NamedTensor {
        name,
        shape: shape.to_vec(),
        values: tensor.iter().copied().collect(),
    }
}
