//! From an experiment and a device to the engine.

use nn_cpu::CpuEngine;
use nn_cuda::CudaEngine;
use nn_engine::Engine;
use nn_reference::ReferenceEngine;

use super::{engine_options, image_bytes};
use crate::TrainerError;
use crate::experiment::{Arithmetic, Experiment, Prepared};

/// What an experiment is computed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor: `nn-cpu` for float32, `nn-reference` for float64.
    Cpu,
    /// The first NVIDIA GPU: `nn-cuda`, float32, and what else its convolutions multiply.
    Cuda,
}

enum EngineKind {
    Reference,
    Cpu,
    Cuda,
}

fn kind(experiment: &Experiment, device: DeviceKind) -> Result<EngineKind, TrainerError> {
    match (device, experiment.training.precision) {
        (DeviceKind::Cpu, Arithmetic::Float32) => Ok(EngineKind::Cpu),
        (DeviceKind::Cpu, Arithmetic::Float64) => Ok(EngineKind::Reference),
        (
            DeviceKind::Cpu,
            arithmetic @ (Arithmetic::Tf32x3 | Arithmetic::Tf32 | Arithmetic::Bf16),
        ) => Err(TrainerError::RoundedOnCpu {
            arithmetic,
            no_gpu: None,
        }),
        (DeviceKind::Cuda, Arithmetic::Float64) => Err(TrainerError::Float64OnGpu),
        (DeviceKind::Cuda, _) => Ok(EngineKind::Cuda),
    }
}

/// Whether the CPU can train this experiment: its convolutions multiply in full.
///
/// # Errors
/// [`TrainerError::RoundedOnCpu`].
pub fn check_cpu(experiment: &Experiment) -> Result<(), TrainerError> {
    kind(experiment, DeviceKind::Cpu).map(|_| ())
}

/// Whether there is a GPU that can train this experiment: its numbers are float32, `nn-cuda` has its operations and
/// multiplies what it multiplies, and all runs and images fit into the memory that is free now.
///
/// # Errors
/// [`TrainerError`], why it cannot.
pub fn check_gpu(experiment: &Experiment) -> Result<(), TrainerError> {
    kind(experiment, DeviceKind::Cuda)?;
    let prepared = experiment.prepare()?;
    let options = engine_options(experiment, &prepared, 0);
    let images = image_bytes(experiment);
    Ok(CudaEngine::check(&prepared.graph, &options, images)?)
}

/// Bytes that the engine of an experiment holds at most, before it is made.
///
/// # Errors
/// [`TrainerError`] as [`build_engine`].
pub(super) fn bytes_needed(
    experiment: &Experiment,
    prepared: &Prepared,
    device: DeviceKind,
) -> Result<u128, TrainerError> {
    // Threads take no memory of their own that counts.
    let options = engine_options(experiment, prepared, 0);
    let graph = &prepared.graph;
    Ok(match kind(experiment, device)? {
        EngineKind::Reference => ReferenceEngine::bytes_needed(graph, &options)?,
        EngineKind::Cpu => CpuEngine::bytes_needed(graph, &options)?,
        EngineKind::Cuda => CudaEngine::bytes_needed(graph, &options)?,
    })
}

/// Makes the engine of an experiment.
///
/// # Errors
/// [`TrainerError`] if there is none, or it cannot train the graph, or the options are out of range.
pub(super) fn build_engine(
    experiment: &Experiment,
    prepared: &Prepared,
    device: DeviceKind,
    threads: usize,
) -> Result<Box<dyn Engine>, TrainerError> {
    let options = engine_options(experiment, prepared, threads);
    let graph = &prepared.graph;
    Ok(match kind(experiment, device)? {
        EngineKind::Reference => Box::new(ReferenceEngine::new(graph, options)?),
        EngineKind::Cpu => Box::new(CpuEngine::new(graph, options)?),
        EngineKind::Cuda => Box::new(CudaEngine::new(graph, options)?),
    })
}
