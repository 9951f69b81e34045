//! How a twin's numbers have grown.

use crate::EquivalentStep;
use crate::law::decoupled::DecoupledStep;

/// How far the scale of a run without weight decay is from that of the run with it, around a step of any law: what its
/// [`Magnitudes`](super::Magnitudes) are multiplied by.
///
/// ```
/// use schedule_core::law::decoupled::DecoupledLaw;
/// use schedule_core::renormalisation::Growth;
/// use schedule_core::{ExactLaw, Hyperparameters};
///
/// let sgd = Hyperparameters { learning_rate: 0.5, weight_decay: 0.5, momentum: 0.9 };
/// let coupled = Growth::from(&ExactLaw::new().step(sgd)?);
/// let decoupled = Growth::from(&DecoupledLaw::sgdw().step(0.5, 0.5)?);
/// // In the first step both shrink by 1 − ηλ, and only a coupled decay gets into the buffer.
/// assert_ne!(coupled, decoupled);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    pub(super) step: u64,
    /// `k`, the degree of the update in the gradients.
    pub(super) degree: f64,
    /// `ln η̃_t`.
    pub(super) ln_learning_rate: f64,
    /// `ln A_t` and `ln A_{t+1}`.
    pub(super) ln_scale: [f64; 2],
    /// `ln a_t`, accurate also where `a_t` is near 1.
    pub(super) ln_shrink: f64,
    /// The logarithm of what a memory of gradients is multiplied by, before the step and after it.
    pub(super) ln_memory_scale: [f64; 2],
    /// The largest `|κ|`: how much of the parameters is in the original's buffer.
    pub(super) buffer_coefficient: f64,
}

impl From<&EquivalentStep> for Growth {
    fn from(step: &EquivalentStep) -> Self {
        let ln_scale = [step.ln_scale, step.ln_scale_after];
        let before = step.buffer_coefficient.abs();
        Self {
            step: step.step,
            degree: 1.0,
            ln_learning_rate: step.ln_learning_rate,
            ln_scale,
            ln_shrink: step.ln_shrink,
            ln_memory_scale: ln_scale,
            buffer_coefficient: before.max(step.buffer_coefficient_after.abs()),
        }
    }
}

impl From<&DecoupledStep> for Growth {
    fn from(step: &DecoupledStep) -> Self {
        Self {
            step: step.step,
            degree: step.degree,
            ln_learning_rate: step.ln_learning_rate,
            ln_scale: [step.ln_scale, step.ln_scale_after],
            ln_shrink: step.ln_shrink,
            ln_memory_scale: [step.ln_memory_scale, step.ln_scale],
            buffer_coefficient: 0.0,
        }
    }
}
