#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod conversion;
mod summary;
mod write;

pub use conversion::{Conversion, ConversionError, MomentsRow, NoConversion, Row, Target};
pub use recipe_file::{
    Group, Located, Moments, Optimizer, Position, Problem, ReadTable, RecipeFile, RecipeFileError,
    TableProblem,
};
pub use summary::{
    GroupSummary, PhaseEquilibrium, PhaseGrowth, RenormalisationPlan, Summary, Warning,
};
pub use write::{TableFormat, write_table, write_torch};
