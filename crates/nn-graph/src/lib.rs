#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod builder;
mod choices;
mod error;
mod graph;
mod init;
pub mod nets;
pub mod network;
pub mod op;
mod shape;

pub use builder::GraphBuilder;
pub use choices::{Affine, Bias, ConvSpec, Training};
pub use error::GraphError;
pub use graph::{Graph, Node, NodeId, Parameter, ParameterId};
pub use init::Init;
pub use op::Op;
pub use shape::Shape;
