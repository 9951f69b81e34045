#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod clock;
mod error;
mod file;
mod group;
mod located;
mod optimizer;
mod schedule;
mod section;
mod table;
mod tables;
mod words;

pub use error::{Problem, TableProblem};
pub use file::{RecipeFile, RecipeFileError};
pub use group::Group;
pub use located::{Located, Mistake, Place, Position};
pub use optimizer::{Moments, Optimizer};
pub use schedule::ReadTable;
pub use tables::RecipeTables;
pub use words::in_toml_words;
