#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod cifar10;
mod dataset;
pub mod download;
mod error;
mod fingerprint;
mod locate;
mod rng;
mod sampler;
pub mod synthetic;

pub use dataset::{Dataset, NoCifar10, Source};
pub use error::DataError;
pub use fingerprint::fingerprint;
pub use locate::{LocateOptions, Network, Preference, locate};
pub use sampler::{Augmentation, Sampler, SamplerError};
