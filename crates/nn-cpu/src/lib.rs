#![doc = include_str!("../README.md")]

#[allow(unsafe_code)]
mod chunks;
mod compiled;
mod compiling;
mod engine;
mod layout;
mod loss;
mod memory;
mod norm;
mod op;
mod optimiser;
#[allow(unsafe_code)]
mod pool;
mod profile;
mod replica;
#[allow(unsafe_code)]
mod simd;
mod workspace;

pub use engine::CpuEngine;
pub use profile::{GroupTime, Profile};
pub use simd::Level;
