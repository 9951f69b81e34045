#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod analysis;
mod calculus;
mod decay_free;
mod degree;
mod degrees;
mod exponents;
mod invariance;
mod probe;
mod tensor_degrees;
mod violation;

pub use analysis::{Analysis, SCALED_GROUP, UNSCALED_GROUP, Verdict, analyse};
pub use calculus::Granularity;
pub use decay_free::decay_free_exponents;
pub use degree::Degree;
pub use degrees::{Degrees, degrees};
pub use invariance::{Group, Inspection, Invariance, ParameterInvariance, inspect};
pub use probe::{Check, Claim, PROBE_FACTOR, probe};
pub use tensor_degrees::{TensorDegrees, tensor_degrees};
pub use violation::Violation;
