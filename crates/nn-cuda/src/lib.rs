#![doc = include_str!("../README.md")]

mod arguments;
mod blueprint;
mod comparison;
mod engine;
mod gpu;
pub mod kernels;
mod launch;
mod layout;
#[allow(unsafe_code)]
mod memory;
mod op;
mod parameters;
mod pass;
mod state;
mod tables;

pub use engine::CudaEngine;
pub use gpu::is_available;
