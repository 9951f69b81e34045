//! Buffer shifts, with which the exact law goes on where it would end.

use crate::recurrence::buffer_shift;
use crate::{EquivalentStep, ExactLaw, Hyperparameters, LawError};

/// A change of the momentum buffer of the run without weight decay, before a step.
///
/// ```text
/// b̃_t ← b̃_t + A_t² (κ_old − κ_new) θ̃_t
/// ```
/// after which the law goes on from `κ_new` in place of `κ_old`, whatever they are. New here.
///
/// ```
/// use schedule_core::optimiser::SgdState;
/// use schedule_core::{ExactLaw, Hyperparameters};
///
/// let sgd = Hyperparameters { learning_rate: 0.5, weight_decay: 0.5, momentum: 0.5 };
/// let mut law = ExactLaw::new();
/// law.step(sgd)?;
/// let shift = law.shift_buffer(0.0)?;
/// // κ = 0.5/0.75 leaves the buffer, where A = 0.75.
/// assert!((shift.factor() - 0.75 * 0.5).abs() < 1e-15);
/// let twin = SgdState { parameters: vec![2.0], buffer: vec![1.0] };
/// let shifted = twin.shifted(shift.factor());
/// assert!((shifted.buffer[0] - 1.75).abs() < 1e-15);
/// # Ok::<(), schedule_core::LawError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BufferShift {
    /// `t`, the step before which the buffer is changed.
    pub step: u64,
    /// `ln A_t`.
    pub ln_scale: f64,
    /// `κ_old`.
    pub buffer_coefficient: f64,
    /// `κ_new`.
    pub buffer_coefficient_after: f64,
}

impl BufferShift {
    /// `A_t² (κ_old − κ_new)`, what [`SgdState::shifted`](crate::optimiser::SgdState::shifted) takes; 0 or
    /// infinite where it leaves float64.
    #[must_use]
    pub fn factor(&self) -> f64 {
        buffer_shift(
            self.ln_scale.exp(),
            self.buffer_coefficient,
            self.buffer_coefficient_after,
        )
    }
}

/// A step and the change of the buffer before it; made by [`ExactLaw::step_shifting`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ContinuedStep {
    /// The change of the buffer before the step, if there is one.
    pub shift: Option<BufferShift>,
    /// The step.
    pub step: EquivalentStep,
}

impl ExactLaw {
    /// Replaces `κ_{t−1}` before the next step `t`; the buffer has to be shifted by what is returned.
    ///
    /// # Errors
    /// [`LawError::BufferCoefficientNotFinite`].
    pub fn shift_buffer(&mut self, buffer_coefficient: f64) -> Result<BufferShift, LawError> {
        if !buffer_coefficient.is_finite() {
            return Err(LawError::BufferCoefficientNotFinite {
                value: buffer_coefficient,
            });
        }
        let shift = BufferShift {
            step: self.step,
            ln_scale: self.ln_scale.value(),
            buffer_coefficient: self.buffer_coefficient(),
            buffer_coefficient_after: buffer_coefficient,
        };
        self.buffer_coefficient = buffer_coefficient.into();
        Ok(shift)
    }

    /// Converts the next step, shifting `κ_{t−1}` to 0 before it where `a_t` would be 0 or less, or less
    /// than `smallest_shrink`: so the law goes on for ever, also where the
    /// [roots](crate::law::exact::ConstantPhase) are complex. On an error the law stays where it was.
    ///
    /// From `κ_{t−1} = 0` the shrink is `1 − η_t λ_t`, which only an `η_t λ_t ≥ 1` makes unusable. A
    /// `smallest_shrink` of 0.5 shifts nearly as seldom as 0 does, with which `a_t` may come so near 0 that
    /// the digits of a step are lost: `b̃_t` is a difference of terms that are `1/a_t` times its size.
    ///
    /// # Errors
    /// As [`step`](Self::step); [`LawError::SmallestShrinkOutOfRange`] for one outside `[0, 1)`.
    ///
    /// ```
    /// use schedule_core::{ExactLaw, Hyperparameters};
    ///
    /// // λη is above (1 − √γ)²: the law alone ends at step 471.
    /// let sgd = Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.99 };
    /// let mut law = ExactLaw::new();
    /// let mut shifts = Vec::new();
    /// for _ in 0..2_000 {
    ///     let continued = law.step_shifting(sgd, 0.5)?;
    ///     assert!(continued.step.shrink >= 0.5);
    ///     shifts.extend(continued.shift.map(|shift| shift.step));
    /// }
    /// assert_eq!(shifts, [470, 940, 1410, 1880]);
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    pub fn step_shifting(
        &mut self,
        hyperparameters: Hyperparameters,
        smallest_shrink: f64,
    ) -> Result<ContinuedStep, LawError> {
        if !(0.0..1.0).contains(&smallest_shrink) {
            return Err(LawError::SmallestShrinkOutOfRange {
                value: smallest_shrink,
            });
        }
        let mut law = self.clone();
        let shrink = law.algebra(hyperparameters, 0.0).shrink.value();
        let usable = shrink > 0.0 && shrink >= smallest_shrink;
        // A negative κ makes a_t larger, and there is nothing to gain.
        let shift = if !usable && law.buffer_coefficient() > 0.0 {
            Some(law.shift_buffer(0.0)?)
        } else {
            None
        };
        let step = law.step(hyperparameters)?;
        *self = law;
        Ok(ContinuedStep { shift, step })
    }
}
