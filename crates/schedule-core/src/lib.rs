#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod check;
pub mod companions;
pub mod equilibrium;
pub mod field;
pub mod law;
pub mod optimiser;
pub mod recipe;
pub mod recurrence;
pub mod renormalisation;
pub mod rescaling;
pub mod schedule;
mod segments;
#[cfg(feature = "serde")]
mod serial;
mod sum;

#[cfg(feature = "proptest")]
pub mod spec;
#[cfg(feature = "proptest")]
pub mod strategies;

#[doc(inline)]
pub use law::exact::{ExactAccess, ExactLaw};
#[doc(inline)]
pub use law::{EquivalentStep, LawError};
#[doc(inline)]
pub use recipe::{Hyperparameter, Hyperparameters, Recipe, RecipeError};
#[doc(inline)]
pub use schedule::{Schedule, ScheduleError};
