//! A replica's state, to and from the GPU.

use nn_engine::{EngineError, NamedTensor, State};
use nn_graph::Graph;

use crate::blueprint::Blueprint;
use crate::gpu::Gpu;
use crate::memory::Memory;

/// A replica's state, in the order of [`State`]; `exponents` are its own.
///
/// # Errors
/// [`EngineError::Device`].
pub(crate) fn read(
    gpu: &Gpu,
    blueprint: &Blueprint,
    memory: &Memory,
    replica: usize,
    exponents: &[i64],
) -> Result<State, EngineError> {
    let parameters = &blueprint.parameters;
    let values = memory.values.read(gpu, replica, 0, parameters.values)?;
    let momentum = memory.momentum.read(gpu, replica, 0, parameters.values)?;
    let running = memory
        .running
        .read(gpu, replica, 0, memory.running.length)?;
    let mut state = State::initial(&blueprint.graph, 0);
    state.exponents = exponents.to_vec();
    let mut tensors = state.tensors.iter_mut();
    for (slot, tensor) in parameters.slots.iter().zip(tensors.by_ref()) {
        slot.unpack(&values, &mut tensor.values);
    }
    let trained = parameters.slots.iter().filter(|slot| slot.trained);
    for (slot, tensor) in trained.zip(tensors.by_ref()) {
        slot.unpack(&momentum, &mut tensor.values);
    }
    for (list, tensor) in statistics(blueprint).zip(tensors) {
        let from = running[list..].iter();
        tensor
            .values
            .iter_mut()
            .zip(from)
            .for_each(|(to, &from)| *to = f64::from(from));
    }
    Ok(state)
}

/// Replaces a replica's state.
///
/// # Errors
/// [`EngineError::State`] or [`EngineError::Rescaling`] before anything is changed; [`EngineError::Device`].
pub(crate) fn write(
    gpu: &Gpu,
    blueprint: &Blueprint,
    memory: &mut Memory,
    (replica, state): (usize, &State),
) -> Result<(), EngineError> {
    let graph: &Graph = &blueprint.graph;
    state.check(graph, blueprint.options.optimiser)?;
    let epsilons = blueprint
        .options
        .symmetry
        .epsilons(graph, &state.exponents)?;
    let parameters = &blueprint.parameters;
    let mut values = vec![0.0; parameters.values];
    let mut momentum = vec![0.0; parameters.values];
    let mut running = vec![0.0; memory.running.length];
    let mut tensors = state.tensors.iter();
    for (slot, tensor) in parameters.slots.iter().zip(tensors.by_ref()) {
        slot.pack(&tensor.values, &mut values);
    }
    let trained = parameters.slots.iter().filter(|slot| slot.trained);
    for (slot, tensor) in trained.zip(tensors.by_ref()) {
        slot.pack(&tensor.values, &mut momentum);
    }
    for (list, NamedTensor { values, .. }) in statistics(blueprint).zip(tensors) {
        let to = running[list..].iter_mut();
        to.zip(values).for_each(|(to, &from)| *to = from as f32);
    }
    memory.values.write(gpu, replica, 0, &values)?;
    memory.momentum.write(gpu, replica, 0, &momentum)?;
    memory.running.write(gpu, replica, 0, &running)?;
    memory.epsilons.write(gpu, replica, 0, &epsilons)?;
    gpu.synchronize()
}

/// Where each list of running statistics begins, in the order of a state: mean and variance of each normalisation.
fn statistics(blueprint: &Blueprint) -> impl Iterator<Item = usize> {
    let norms = blueprint.norms.iter();
    let with = norms.filter_map(|norm| norm.running.map(|at| [at, at + norm.layout.stored]));
    with.flatten()
}
