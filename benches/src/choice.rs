//! The engine under test, by name.

use clap::ValueEnum;
use nn_cpu::CpuEngine;
use nn_cuda::CudaEngine;
use nn_engine::conformance::Algorithm;
use nn_engine::{Engine, EngineError, EngineOptions, Products};
use nn_graph::Graph;
use nn_graph::nets::{Architecture, NetConfig};

/// An engine of this workspace that is compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// `nn-cuda`, on the first NVIDIA GPU.
    Cuda,
    /// `nn-cpu`, to try a check where there is no GPU.
    Cpu,
}

/// What convolutions multiply, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Float32.
    #[default]
    Full,
    /// Float32's accuracy by what multiplies tf32.
    Tf32x3,
    /// Factors rounded to tf32.
    Tf32,
    /// Factors rounded to bf16.
    Bf16,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Full, Self::Tf32x3, Self::Tf32, Self::Bf16];

    /// As engines call it.
    pub fn products(self) -> Products {
        match self {
            Self::Full => Products::Full,
            Self::Tf32x3 => Products::Tf32x3,
            Self::Tf32 => Products::Tf32,
            Self::Bf16 => Products::Bf16,
        }
    }

    /// The precision of PyTorch, in `race.py`, that multiplies so, or as exactly.
    pub fn peer(self) -> &'static str {
        match self {
            Self::Full | Self::Tf32x3 => "fp32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }

    /// As it is typed.
    pub fn name(self) -> String {
        self.products().to_string()
    }
}

impl Choice {
    /// Whether it multiplies in this format.
    ///
    /// # Errors
    /// What the engine says, but that it refuses the format.
    ///
    /// ```
    /// use benches::{Choice, Format};
    /// assert!(Choice::Cpu.has(Format::Full)?);
    /// assert!(!Choice::Cpu.has(Format::Tf32)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has(self, format: Format) -> Result<bool, Box<dyn std::error::Error>> {
        let mut config = NetConfig::new(Architecture::PreResNet, 8);
        config.input = [3, 8, 8];
        let graph = config.build()?;
        let options = EngineOptions {
            products: format.products(),
            ..EngineOptions::new(&graph, 1)
        };
        match self.engine(&graph, options) {
            Ok(_) => Ok(true),
            Err(EngineError::Options(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

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
