//! A replica's state, to and from the GPU.

use nn_engine::{EngineError, NamedTensor, State};
use nn_graph::Graph;

use crate::blueprint::Blueprint;
use crate::gpu::Gpu;
use crate::memory::Memory;
use crate::parameters::Slot;

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
    let mut kept = vec![memory.momentum.read(gpu, replica, 0, parameters.values)?];
    if let Some(second) = &memory.second_moment {
        kept.push(second.read(gpu, replica, 0, parameters.values)?);
    }
    let running = memory
        .running
        .read(gpu, replica, 0, memory.running.length)?;
    let (graph, optimiser) = (&blueprint.graph, blueprint.options.optimiser);
    let mut state = State::initial(graph, 0).with_optimiser(graph, optimiser);
    state.exponents = exponents.to_vec();
    let mut tensors = state.tensors.iter_mut();
    for (slot, tensor) in parameters.slots.iter().zip(tensors.by_ref()) {
        slot.unpack(&values, &mut tensor.values);
    }
    for values in &kept {
        // In this order: the list that ends takes nothing from the other.
        for (slot, tensor) in trained(blueprint).zip(tensors.by_ref()) {
            slot.unpack(values, &mut tensor.values);
        }
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
    let mut kept = vec![vec![0.0; parameters.values]];
    if memory.second_moment.is_some() {
        kept.push(vec![0.0; parameters.values]);
    }
    let mut running = vec![0.0; memory.running.length];
    let mut tensors = state.tensors.iter();
    for (slot, tensor) in parameters.slots.iter().zip(tensors.by_ref()) {
        slot.pack(&tensor.values, &mut values);
    }
    for values in &mut kept {
        for (slot, tensor) in trained(blueprint).zip(tensors.by_ref()) {
            slot.pack(&tensor.values, values);
        }
    }
    for (list, NamedTensor { values, .. }) in statistics(blueprint).zip(tensors) {
        let to = running[list..].iter_mut();
        to.zip(values).for_each(|(to, &from)| *to = from as f32);
    }
    memory.values.write(gpu, replica, 0, &values)?;
    let buffers = [Some(&mut memory.momentum), memory.second_moment.as_mut()];
    for (buffer, values) in buffers.into_iter().flatten().zip(&kept) {
        buffer.write(gpu, replica, 0, values)?;
    }
    memory.running.write(gpu, replica, 0, &running)?;
    memory.epsilons.write(gpu, replica, 0, &epsilons)?;
    gpu.synchronize()
}

/// The parameters of whose gradients something is kept.
fn trained(blueprint: &Blueprint) -> impl Iterator<Item = &Slot> {
    let slots = blueprint.parameters.slots.iter();
    slots.filter(|slot| slot.trained)
}

/// Where each list of running statistics begins, in the order of a state: mean and variance of each normalisation.
fn statistics(blueprint: &Blueprint) -> impl Iterator<Item = usize> {
    let norms = blueprint.norms.iter();
    let with = norms.filter_map(|norm| norm.running.map(|at| [at, at + norm.layout.stored]));
    with.flatten()
}
