//! What an experiment is computed in.

use std::fmt;

use nn_engine::{Precision, Products};
use serde::{Deserialize, Serialize};

/// The format of an experiment's numbers, and what its convolutions multiply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Arithmetic {
    /// Numbers and products in float32: fast, on the CPU or a GPU.
    #[default]
    Float32,
    /// Numbers and products in float64: slow, and on the CPU only.
    Float64,
    /// Numbers in float32, whose products convolutions make of tf32's with float32's accuracy ([`Products::Tf32x3`]): on a GPU only.
    Tf32x3,
    /// Numbers in float32, of which convolutions multiply the first 11 bits ([`Products::Tf32`]): on a GPU only.
    Tf32,
    /// Numbers in float32, of which convolutions multiply the first 8 bits; activations and their gradients are stored with
    /// as many ([`Products::Bf16`]): on a GPU only.
    Bf16,
}

impl Arithmetic {
    /// The format of parameters, sums, and all else that is kept from step to step.
    pub fn numbers(self) -> Precision {
        match self {
            Self::Float32 | Self::Tf32x3 | Self::Tf32 | Self::Bf16 => Precision::Float32,
            Self::Float64 => Precision::Float64,
        }
    }

    /// What convolutions multiply, and what is stored between operations.
    pub fn products(self) -> Products {
        match self {
            Self::Float32 | Self::Float64 => Products::Full,
            Self::Tf32x3 => Products::Tf32x3,
            Self::Tf32 => Products::Tf32,
            Self::Bf16 => Products::Bf16,
        }
    }

    /// As in TOML.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Tf32x3 => "tf32x3",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
