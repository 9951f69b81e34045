//! The inverse for any schedules.

use super::{InverseError, per_rate};
use crate::companions::RunningStatisticsCorrection;
use crate::recurrence::decay_product;
use crate::sum::CompensatedSum;
use crate::{Hyperparameters, RecipeError};

/// One step of SGD without weight decay, its rate in log space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WithoutDecay {
    /// `ln η̃_t`.
    pub ln_learning_rate: f64,
    /// `0 ≤ γ_t < 1`.
    pub momentum: f64,
}

impl WithoutDecay {
    pub(super) fn validate(&self, step: u64) -> Result<(), RecipeError> {
        let rest = Hyperparameters {
            learning_rate: 0.0,
            weight_decay: 0.0,
            momentum: self.momentum,
        };
        rest.validate(step)
    }
}

/// One step of a run with weight decay, and how its state relates to that of the run without.
///
/// As in [`EquivalentStep`](crate::EquivalentStep) `θ̃_t = θ_t/A_t` and `b̃_t = A_t (b_t − κ_{t−1} θ_t)`
/// before the step, and the same with the fields that end in `_after` after it. The step itself is SGD
/// with rate `exp(ln_learning_rate)`, decay `weight_decay` and momentum `momentum`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct InverseStep {
    /// `t`, from 0.
    pub step: u64,
    /// `ln η_t = ln η̃_t + ln A_t + ln A_{t+1}`.
    pub ln_learning_rate: f64,
    /// `η_t λ_t`, finite also where its factors are not.
    pub decay_product: f64,
    /// `λ_t`, possibly negative; infinite where it leaves float64.
    pub weight_decay: f64,
    /// `γ_t`.
    pub momentum: f64,
    /// `ln a_t`, as it was chosen.
    pub ln_shrink: f64,
    /// `ln A_t`.
    pub ln_scale: f64,
    /// `ln A_{t+1}`.
    pub ln_scale_after: f64,
    /// `κ_{t−1}`; infinite where it leaves float64.
    pub buffer_coefficient: f64,
    /// `κ_t`; infinite where it leaves float64.
    pub buffer_coefficient_after: f64,
}

impl InverseStep {
    /// `η_t`, infinite where it leaves float64.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.ln_learning_rate.exp()
    }

    /// `η_t, λ_t, γ_t`, not [validated](Hyperparameters::validate): `λ_t` may be negative, and `η_t`
    /// infinite.
    #[must_use]
    pub fn hyperparameters(&self) -> Hyperparameters {
        Hyperparameters {
            learning_rate: self.learning_rate(),
            weight_decay: self.weight_decay,
            momentum: self.momentum,
        }
    }

    /// What the running statistics of the run *with* weight decay are multiplied by once this step is done, to be
    /// those of the run without: `mean ← mean · aˣ`, `variance ← variance · a²ˣ`, as its parameters shrink where the
    /// twin's of an [`EquivalentStep`](crate::EquivalentStep) grow.
    #[must_use]
    pub fn running_statistics_correction(&self, input_degree: f64) -> RunningStatisticsCorrection {
        RunningStatisticsCorrection::new(-self.ln_shrink, input_degree)
    }
}

/// The inverse of the [exact law](crate::ExactLaw): for a run without weight decay and any chosen
/// scales, the run with weight decay that has them.
///
/// With `A_0 = 1`, a chosen `a_t = A_{t+1}/A_t > 0` for each step and a free `κ_{−1}`:
/// ```text
/// η_t = η̃_t A_t A_{t+1}    λ_t = (1 − a_t)/η_t − γ_t κ_{t−1}    κ_t = (1/a_t − 1)/η_t
/// b_0 = b̃_0 + κ_{−1} θ_0
/// ```
/// which is `λ_t = (1 + γ_t r_t (1 − 1/a_{t−1}) − a_t)/η_t` with `r_t = η_t/η_{t−1}`, and is how it is
/// computed, as no rate needs to be in float64 then. Where the decay is to be chosen and
/// not the scale, [`ExactLaw::step_keeping`](crate::ExactLaw::step_keeping) from `λ_t = 0` gives that.
/// New here.
///
/// ```
/// use schedule_core::law::inverse::{InverseLaw, WithoutDecay};
/// use schedule_core::{ExactLaw, Hyperparameters};
///
/// let sgd = Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 };
/// let (mut law, mut inverse) = (ExactLaw::new(), InverseLaw::new());
/// for _ in 0..1_000 {
///     let there = law.step(sgd)?;
///     let without = WithoutDecay {
///         ln_learning_rate: there.ln_learning_rate,
///         momentum: there.momentum,
///     };
///     let back = inverse.step(without, there.ln_shrink)?;
///     assert!((back.weight_decay - sgd.weight_decay).abs() < 1e-13);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct InverseLaw {
    step: u64,
    ln_scale: CompensatedSum,
    /// `c_{t−1} = η_{t−1} κ_{t−1}`.
    held: f64,
    /// `ln η_{t−1}`.
    ln_rate: f64,
}

impl Default for InverseLaw {
    fn default() -> Self {
        Self::new()
    }
}

impl InverseLaw {
    /// The inverse from step 0 with `κ_{−1} = 0`: both runs start from the same momentum buffer.
    #[must_use]
    pub fn new() -> Self {
        Self {
            step: 0,
            ln_scale: CompensatedSum::default(),
            held: 0.0,
            ln_rate: 0.0,
        }
    }

    /// The inverse from step 0 with a chosen `κ_{−1}`: the run with weight decay starts from the buffer
    /// `b_0 = b̃_0 + κ_{−1} θ_0`.
    ///
    /// # Errors
    /// [`InverseError::BufferCoefficientNotFinite`].
    pub fn from_buffer_coefficient(buffer_coefficient: f64) -> Result<Self, InverseError> {
        if !buffer_coefficient.is_finite() {
            return Err(InverseError::BufferCoefficientNotFinite {
                value: buffer_coefficient,
            });
        }
        // As if η_{−1} were 1.
        Ok(Self {
            held: buffer_coefficient,
            ..Self::new()
        })
    }

    /// Converts the next step, `ln_shrink` being the chosen `ln a_t`. On an error the law stays where it
    /// was.
    ///
    /// # Errors
    /// [`InverseError::Hyperparameters`] for an invalid momentum, [`InverseError::NotFinite`],
    /// [`InverseError::Overflow`] where `η_t λ_t` leaves float64, [`InverseError::StepsExhausted`].
    pub fn step(
        &mut self,
        without: WithoutDecay,
        ln_shrink: f64,
    ) -> Result<InverseStep, InverseError> {
        let step = self.step;
        without.validate(step)?;
        let next = step
            .checked_add(1)
            .ok_or(InverseError::StepsExhausted { step })?;
        let WithoutDecay {
            ln_learning_rate,
            momentum,
        } = without;
        if !(ln_learning_rate.is_finite() && ln_shrink.is_finite()) {
            return Err(InverseError::NotFinite {
                step,
                ln_learning_rate,
                ln_shrink,
            });
        }

        let (ln_scale, ln_scale_after) = (self.ln_scale, self.ln_scale.plus(ln_shrink));
        let ln_rate = ln_learning_rate + (ln_scale.value() + ln_scale_after.value());
        // Nothing held or nothing remembered is nothing, whatever the ratio of the rates.
        let memory = if self.held == 0.0 || momentum == 0.0 {
            0.0
        } else {
            momentum * (ln_rate - self.ln_rate).exp()
        };
        let decay_product = decay_product(ln_shrink.exp_m1(), memory, self.held);
        let held = (-ln_shrink).exp_m1();
        if !(decay_product.is_finite() && held.is_finite() && ln_rate.is_finite()) {
            return Err(InverseError::Overflow {
                step,
                ln_learning_rate,
                momentum,
                ln_shrink,
                previous_ln_rate: self.ln_rate,
                held: self.held,
            });
        }
        let converted = InverseStep {
            step,
            ln_learning_rate: ln_rate,
            decay_product,
            weight_decay: per_rate(decay_product, ln_rate),
            momentum,
            ln_shrink,
            ln_scale: ln_scale.value(),
            ln_scale_after: ln_scale_after.value(),
            buffer_coefficient: per_rate(self.held, self.ln_rate),
            buffer_coefficient_after: per_rate(held, ln_rate),
        };
        *self = Self {
            step: next,
            ln_scale: ln_scale_after,
            held,
            ln_rate,
        };
        Ok(converted)
    }

    /// The step to be converted next, from 0.
    #[must_use]
    pub fn next_step(&self) -> u64 {
        self.step
    }

    /// `ln A_t` before the next step `t`.
    #[must_use]
    pub fn ln_scale(&self) -> f64 {
        self.ln_scale.value()
    }

    /// `κ_{t−1}` before the next step `t`; infinite where it leaves float64.
    #[must_use]
    pub fn buffer_coefficient(&self) -> f64 {
        per_rate(self.held, self.ln_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_an_error_and_not_an_overflow() {
        let mut law = InverseLaw {
            step: u64::MAX,
            ..InverseLaw::new()
        };
        let without = WithoutDecay {
            ln_learning_rate: 0.0,
            momentum: 0.0,
        };
        let expected = InverseError::StepsExhausted { step: u64::MAX };
        assert_eq!(law.step(without, 0.0), Err(expected));
    }
}
