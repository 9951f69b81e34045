#![doc = include_str!("../README.md")]

mod chunks;
mod compiled;
mod engine;
mod layout;
mod loss;
mod memory;
mod op;
mod optimiser;
mod replica;
#[allow(unsafe_code)]
mod simd;
mod workspace;

pub use engine::CpuEngine;
pub use simd::Level;
