//! Lion, the sign of a momentum, with decoupled weight decay.

use super::{MovingAverage, decoupled_update};
use crate::field::scaled;

/// Parameters and momentum of a run of Lion (Chen et al., arXiv:2302.06675).
///
/// ```
/// use schedule_core::optimiser::{LionState, MovingAverage};
///
/// let start = LionState { parameters: vec![1.0, 0.0], momentum: vec![-4.0, 0.0] };
/// let [update, memory] = [0.5, 0.75].map(MovingAverage::of_decay);
/// let next = start.stepped(|p| p.to_vec(), 0.5, 0.5, update, memory);
/// assert_eq!(next, LionState { parameters: vec![1.25, 0.0], momentum: vec![-2.75, 0.0] });
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LionState {
    /// `θ_t`.
    pub parameters: Vec<f64>,
    /// `m_t`.
    pub momentum: Vec<f64>,
}

impl LionState {
    /// The state after `θ_{t+1} = (1 − ηλ) θ_t − η sign(β₁ m_t + (1 − β₁) g_t)` and
    /// `m_{t+1} = β₂ m_t + (1 − β₂) g_t`, with `sign 0 = 0`; `update` holds the coefficients of the former,
    /// `memory` those of the latter.
    #[must_use]
    pub fn stepped(
        &self,
        gradient: impl FnOnce(&[f64]) -> Vec<f64>,
        learning_rate: f64,
        weight_decay: f64,
        update: MovingAverage,
        memory: MovingAverage,
    ) -> Self {
        let gradient = gradient(&self.parameters);
        let mixed = update.updated(&self.momentum, &gradient);
        let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
        let direction: Vec<f64> = mixed.into_iter().map(sign).collect();
        Self {
            parameters: decoupled_update(&self.parameters, learning_rate, weight_decay, &direction),
            momentum: memory.updated(&self.momentum, &gradient),
        }
    }

    /// The state of the equivalent run, `θ/A_t` and `A_{t−1} m`, from `scale = A_t` and
    /// `memory_scale = A_{t−1}`.
    #[must_use]
    pub fn equivalent(&self, scale: f64, memory_scale: f64) -> Self {
        Self {
            parameters: scaled(&self.parameters, 1.0 / scale),
            momentum: scaled(&self.momentum, memory_scale),
        }
    }
}
