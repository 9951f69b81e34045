//! Averages of the parameters in a run whose parameters change scale.

use crate::optimiser::MovingAverage;
use crate::recurrence::{equal_average, exponential_average};

/// An exponential moving average of the parameters, `e ← μe + (1 − μ)θ_{t+1}`.
///
/// The average kept by the run without weight decay is `ē_t = e_t/A_t`: the same network (new here).
///
/// ```
/// use schedule_core::companions::ExponentialAverage;
///
/// let average = ExponentialAverage { decay: 0.9999 };
/// // At the paper's recipe the parameters shrink by 0.9994977 a step.
/// let ln_shrink = 0.99949772836789185f64.ln();
/// assert_eq!(average.coefficients(0.0).keep, 0.9999);
/// assert!((average.coefficients(ln_shrink).keep - 0.9999 / ln_shrink.exp()).abs() < 1e-15);
/// // Without the correction it forgets six times as fast.
/// assert_eq!(average.memory_in_steps(0.0).round(), 10_000.0);
/// assert_eq!(average.memory_in_steps(ln_shrink).round(), 1_661.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialAverage {
    /// `μ`.
    pub decay: f64,
}

impl ExponentialAverage {
    /// What to keep of `ē` and how much to take of `θ̃_{t+1}` after a step with `ln a_t = ln_shrink`:
    /// `ē ← (μ/a_t) ē + (1 − μ) θ̃_{t+1}`.
    #[must_use]
    pub fn coefficients(&self, ln_shrink: f64) -> MovingAverage {
        exponential_average(self.decay, ln_shrink.exp())
    }

    /// `μα`: the decay that a *plain* average on the run without weight decay has in truth, where the
    /// parameters grow by `1/α` a step, `ln_shrink = ln α` (new here).
    ///
    /// Started from 0, that average is `(1 − μ)/(1 − μα)` times the one with decay `μα` of the original.
    #[must_use]
    pub fn plain_decay(&self, ln_shrink: f64) -> f64 {
        self.decay * ln_shrink.exp()
    }

    /// `1/(1 − μα)`, how many steps a plain average remembers; with `ln_shrink = 0`, a corrected one.
    #[must_use]
    pub fn memory_in_steps(&self, ln_shrink: f64) -> f64 {
        -1.0 / (self.decay.ln() + ln_shrink).exp_m1()
    }
}

/// A mean of parameters with equal weights, as in stochastic weight averaging (Izmailov et al.,
/// arXiv:1803.05407): `e ← (ne + θ)/(n + 1)`.
///
/// ```
/// use schedule_core::companions::EqualAverage;
///
/// // The mean of 8 and 4 at scale 1 is 6; at scale 1/2, where the parameters are 16 and 8, it is 12.
/// let second = EqualAverage { count: 1 }.coefficients(0.5f64.ln());
/// assert!((second.updated(&[8.0], &[8.0])[0] - 12.0).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EqualAverage {
    /// `n`, how many parameters the average holds so far.
    pub count: u64,
}

impl EqualAverage {
    /// What to keep of `ē` and how much to take of `θ̃`, if `ln_shrink = ln A_new − ln A_old` since the average
    /// was last updated: `ē ← (n(A_old/A_new) ē + θ̃)/(n + 1)`.
    #[must_use]
    pub fn coefficients(&self, ln_shrink: f64) -> MovingAverage {
        equal_average(self.count as f64, ln_shrink.exp())
    }
}
