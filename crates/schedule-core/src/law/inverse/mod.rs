//! SGD without weight decay, with it: the way back.
//!
//! Start with [`InverseLaw`], for any schedules and any chosen scales, or with [`ConstantGrowth`], for a rate that
//! grows by the same factor in every step.

mod constant_growth;
mod error;
mod law;

pub use constant_growth::{ConstantGrowth, Root};
pub use error::InverseError;
pub use law::{InverseLaw, InverseStep, WithoutDecay};

/// `value/rate`, from `ln rate`; 0 stays 0 whatever the rate.
fn per_rate(value: f64, ln_rate: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    value * (-ln_rate).exp()
}
