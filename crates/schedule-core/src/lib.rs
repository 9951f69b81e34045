#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod check;
mod companions;
mod equilibrium;
mod error;
pub mod field;
mod law;
pub mod optimiser;
mod recipe;
pub mod recurrence;
pub mod renormalisation;
mod rescaling;
mod schedule;
mod segments;
#[cfg(feature = "serde")]
mod serial;
mod sum;

#[cfg(feature = "proptest")]
pub mod proptest;
#[cfg(feature = "proptest")]
pub mod spec;

pub use companions::{
    EqualAverage, ExponentialAverage, NormClipping, RunningStatisticsCorrection, ValueClipping,
    norm_of_groups,
};
pub use equilibrium::Equilibrium;
pub use error::{LawError, RecipeError, ScheduleError};
pub use law::{AdamStep, AdamWError, AdamWHyperparameters, AdamWLaw, Moment, StockAdamStep};
pub use law::{BufferShift, ContinuedStep, ExponentialRate};
pub use law::{ConstantGrowth, InverseError, InverseLaw, InverseStep, Root, WithoutDecay};
pub use law::{ConstantPhase, EquivalentStep, ExactAccess, ExactLaw, ExactSteps, Texp, TexpPhase};
pub use law::{DecoupledError, DecoupledLaw, DecoupledStep};
pub use law::{FormChange, FormError, InsideLaw, InsideStep, MomentumForm, WithoutDampening};
pub use law::{GroupRole, GroupStep, GroupsError, GroupsLaw, Residual};
pub use law::{NesterovError, NesterovForm, NesterovLaw, NesterovStep};
pub use recipe::{Hyperparameter, Hyperparameters, Recipe, RecipePhase};
pub use rescaling::{Quantity, Rescaling, RescalingError};
pub use schedule::{
    Constant, Cosine, Exponential, Joined, Linear, Phase, Piecewise, Polynomial, Schedule,
    ScheduleKind, StepDecay, Tabulated,
};
