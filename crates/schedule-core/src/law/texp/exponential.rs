//! A learning rate that grows by a constant factor.

use crate::recipe::not_negative;
use crate::{Hyperparameter, LawError, Schedule};

/// A schedule multiplied by an exponential, in log space: `ln η̃_t = ln s_t + t L`.
///
/// With a constant `s_t = η/α` and `L = −2 ln α` it is the run without weight decay of constant
/// hyperparameters ([`ConstantPhase`](crate::law::exact::ConstantPhase)). With a step decay for `s_t` it is the schedule
/// of constant exponent with drops of figure 4 of Li & Arora (arXiv:1910.07454): where the rate grows
/// fast, a drop is forgotten soon.
///
/// A step is as fast to find as in the schedule: at once if it is constant, by a search among the drops
/// if there are some.
///
/// ```
/// use schedule_core::law::texp::ExponentialRate;
/// use schedule_core::Schedule;
///
/// // The paper's figure 4: 1.481 an epoch, with ÷10 at epochs 80 and 120.
/// let growth = 1.481f64.ln() / 391.0;
/// let dropped = Schedule::step_decay(0.1, 0.1, &[80 * 391, 120 * 391])?;
/// let smooth = ExponentialRate::new(Schedule::constant(0.1)?, growth)?;
/// let dropped = ExponentialRate::new(dropped, growth)?;
/// let last = 200 * 391;
/// assert!((smooth.ln_learning_rate(last) - (0.1f64.ln() + 200.0 * 1.481f64.ln())).abs() < 1e-12);
/// let lost = smooth.ln_learning_rate(last) - dropped.ln_learning_rate(last);
/// assert!((lost - 100f64.ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExponentialRate {
    schedule: Schedule,
    ln_growth: f64,
}

impl ExponentialRate {
    /// A schedule times `exp(t L)`, with `L = ln_growth`, the natural logarithm of the growth in a step.
    ///
    /// # Errors
    /// [`LawError::Hyperparameters`] where the schedule is negative at some step,
    /// [`LawError::GrowthNotFinite`].
    pub fn new(schedule: Schedule, ln_growth: f64) -> Result<Self, LawError> {
        not_negative(Hyperparameter::LearningRate, &schedule)?;
        if !ln_growth.is_finite() {
            return Err(LawError::GrowthNotFinite { value: ln_growth });
        }
        Ok(Self {
            schedule,
            ln_growth,
        })
    }

    /// `ln η̃_t`; −∞ where the schedule is 0.
    #[must_use]
    pub fn ln_learning_rate(&self, step: u64) -> f64 {
        let rate = self.schedule.at(step);
        // No growth makes a rate of 0 another one, not even one that overflows.
        if rate == 0.0 {
            return f64::NEG_INFINITY;
        }
        rate.ln() + step as f64 * self.ln_growth
    }

    /// `s_t`.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// `L`.
    #[must_use]
    pub fn ln_growth(&self) -> f64 {
        self.ln_growth
    }
}
