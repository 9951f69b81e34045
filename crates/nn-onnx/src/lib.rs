#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod import;
mod model;
mod proto;
mod read;
mod write;

pub use error::{OnnxError, Problem};
pub use import::{FileParameter, Imported, ImportedGraph, Unsupported};
pub use model::Model;
pub use read::{from_reader, open};
pub use write::{WriteError, write};
