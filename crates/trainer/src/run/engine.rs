//! From the name of an engine to the engine.

use nn_cpu::CpuEngine;
use nn_engine::{Engine, EngineError, EngineOptions};
use nn_graph::Graph;
use nn_reference::ReferenceEngine;

use crate::experiment::EngineKind;

/// Bytes that an engine with these options holds at most, before it is made.
///
/// # Errors
/// [`EngineError`] as [`build_engine`].
pub(super) fn bytes_needed(
    kind: EngineKind,
    graph: &Graph,
    options: &EngineOptions,
) -> Result<u128, EngineError> {
    match kind {
        EngineKind::Cpu => CpuEngine::bytes_needed(graph, options),
        EngineKind::Reference => ReferenceEngine::bytes_needed(graph, options),
    }
}

/// Makes an engine.
///
/// # Errors
/// [`EngineError`] if it cannot train the graph or the options are out of range.
pub(super) fn build_engine(
    kind: EngineKind,
    graph: &Graph,
    options: EngineOptions,
) -> Result<Box<dyn Engine>, EngineError> {
    Ok(match kind {
        EngineKind::Cpu => Box::new(CpuEngine::new(graph, options)?),
        EngineKind::Reference => Box::new(ReferenceEngine::new(graph, options)?),
    })
}
