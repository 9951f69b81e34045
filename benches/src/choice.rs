//! The engine under test, by name.

use clap::ValueEnum;
use nn_cpu::CpuEngine;
use nn_cuda::CudaEngine;
use nn_engine::conformance::Algorithm;
use nn_engine::{Engine, EngineError, EngineOptions};
use nn_graph::Graph;

/// An engine of this workspace that is compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// `nn-cuda`, on the first NVIDIA GPU.
    Cuda,
    /// `nn-cpu`, to try a check where there is no GPU.
    Cpu,
}

impl Choice {
    /// Makes it.
    ///
    /// # Errors
    /// What the engine says.
    ///
    /// ```
    /// use benches::Choice;
    /// use nn_engine::EngineOptions;
    /// use nn_graph::nets::{Architecture, NetConfig};
    /// let graph = NetConfig::new(Architecture::PreResNet, 8).build()?;
    /// let engine = Choice::Cpu.engine(&graph, EngineOptions::new(&graph, 2))?;
    /// assert_eq!(engine.device().engine, "nn-cpu");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn engine(
        self,
        graph: &Graph,
        options: EngineOptions,
    ) -> Result<Box<dyn Engine>, EngineError> {
        Ok(match self {
            Self::Cuda => Box::new(CudaEngine::new(graph, options)?),
            Self::Cpu => Box::new(CpuEngine::new(graph, options)?),
        })
    }

    /// How it computes convolutions, on which the bounds of its errors depend.
    pub(crate) fn algorithm(self) -> Algorithm {
        match self {
            Self::Cuda => Algorithm::Direct,
            Self::Cpu => Algorithm::Winograd,
        }
    }
}
