#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod engine;
mod gradients;
mod logits;
mod loss;
mod network;
mod op;
mod optimiser;
mod replica;

pub use engine::ReferenceEngine;
pub use gradients::Gradients;
pub use logits::Statistics;

/// Every tensor of the crate: activations are `[image, C, H, W]`, feature vectors
/// `[image, features, 1, 1]`, parameters padded to four dimensions with ones at the end.
pub(crate) type Tensor = ndarray::Array4<f64>;
