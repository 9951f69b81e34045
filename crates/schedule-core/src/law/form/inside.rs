//! The exact law with the rate inside the momentum buffer.

use super::{FormError, validate};
use crate::Hyperparameters;
use crate::companions::RunningStatisticsCorrection;
use crate::field::{Compensated, Field};
use crate::recurrence::{Inside, inside};
use crate::sum::CompensatedSum;

/// One step of a run without weight decay whose rate is inside the momentum buffer, and how its state
/// relates to that of the run with weight decay.
///
/// With `A_t = exp(ln_scale)`, `A_{t−1} = exp(ln_scale_before)` and `c_{t−1} = buffer_coefficient`, before
/// the step `θ̃_t = θ_t/A_t` and `ṽ_t = (v_t − c_{t−1} θ_t)/A_{t−1}`; after it the same holds one step on.
/// The step itself is `ṽ ← γ̃' ṽ + η̃ g̃`, `θ̃ ← θ̃ − ṽ`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct InsideStep {
    /// `t`, from 0.
    pub step: u64,
    /// `ln η̃_t = ln η_t − ln A_t − ln A_{t+1}`; −∞ where `η_t = 0`.
    pub ln_learning_rate: f64,
    /// `γ̃'_t = γ'_t/(a_t a_{t−1})`, which may be 1 or more.
    pub momentum: f64,
    /// `a_t = A_{t+1}/A_t > 0`.
    pub shrink: f64,
    /// `ln a_t`, accurate also where `a_t` is near 1.
    pub ln_shrink: f64,
    /// `ln A_{t−1}`.
    pub ln_scale_before: f64,
    /// `ln A_t`.
    pub ln_scale: f64,
    /// `ln A_{t+1}`.
    pub ln_scale_after: f64,
    /// `c_{t−1} = 1/a_{t−1} − 1`, the part of the parameters that the momentum buffer holds.
    pub buffer_coefficient: f64,
    /// `c_t`.
    pub buffer_coefficient_after: f64,
}

impl InsideStep {
    /// `η̃_t`, infinite where it leaves float64.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.ln_learning_rate.exp()
    }

    /// `η̃_t`, no weight decay, `γ̃'_t`: what SGD of this form takes in this step. The rate is infinite where it leaves
    /// float64.
    #[must_use]
    pub fn hyperparameters(&self) -> Hyperparameters {
        Hyperparameters {
            learning_rate: self.learning_rate(),
            weight_decay: 0.0,
            momentum: self.momentum,
        }
    }

    /// What running statistics are multiplied by once this step is done; see
    /// [`EquivalentStep::running_statistics_correction`](crate::EquivalentStep::running_statistics_correction).
    #[must_use]
    pub fn running_statistics_correction(&self, input_degree: f64) -> RunningStatisticsCorrection {
        RunningStatisticsCorrection::new(self.ln_shrink, input_degree)
    }
}

/// The exact law for [`MomentumForm::LrInside`](crate::law::form::MomentumForm::LrInside), step by step in
/// constant memory.
///
/// With `A_0 = 1` and a free `c_{−1}` (0 for a buffer left as it is):
/// ```text
/// a_t = 1 − η_t λ_t − γ'_t c_{t−1}    c_t = 1/a_t − 1    A_{t+1} = a_t A_t
/// η̃_t = η_t/(A_t A_{t+1})    λ̃_t = 0    γ̃'_t = γ'_t/(a_t a_{t−1})    ṽ_t = (v_t − c_{t−1} θ_t)/A_{t−1}
/// ```
/// If every `a_t > 0`, the run with `(η̃, 0, γ̃')` from the same `θ_0` and `ṽ_0 = a_{−1}(v_0 − c_{−1} θ_0)`
/// visits `θ̃_t = θ_t/A_t`. Unlike with the rate outside, the momentum changes too, and `η_t` may be
/// 0 anywhere. It is [`ExactLaw`](crate::ExactLaw) with `c = ηκ` and `γ'_t = γ_t η_t/η_{t−1}`. New here.
///
/// ```
/// use schedule_core::law::form::InsideLaw;
/// use schedule_core::Hyperparameters;
///
/// let sgd = Hyperparameters { learning_rate: 0.5, weight_decay: 0.5, momentum: 0.5 };
/// let mut law = InsideLaw::new();
/// let first = law.step(sgd)?;
/// assert_eq!(first.shrink, 0.75);
/// let second = law.step(sgd)?;
/// assert!((second.shrink - (0.75 - 0.5 * (1.0 / 0.75 - 1.0))).abs() < 1e-15);
/// assert!((second.momentum - 0.5 / (second.shrink * first.shrink)).abs() < 1e-15);
/// # Ok::<(), schedule_core::law::form::FormError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct InsideLaw {
    step: u64,
    ln_scale: CompensatedSum,
    buffer_coefficient: Compensated,
}

impl Default for InsideLaw {
    fn default() -> Self {
        Self::new()
    }
}

impl InsideLaw {
    /// The law from step 0 with `c_{−1} = 0`: both runs start from the same momentum buffer.
    #[must_use]
    pub fn new() -> Self {
        Self {
            step: 0,
            ln_scale: CompensatedSum::default(),
            buffer_coefficient: Compensated::ZERO,
        }
    }

    /// The law from step 0 with a chosen `c_{−1} > −1`: the run without weight decay starts from the
    /// buffer `ṽ_0 = (v_0 − c_{−1} θ_0)/(1 + c_{−1})`.
    ///
    /// # Errors
    /// [`FormError::BufferCoefficientOutOfRange`].
    pub fn from_buffer_coefficient(buffer_coefficient: f64) -> Result<Self, FormError> {
        if !(buffer_coefficient.is_finite() && buffer_coefficient > -1.0) {
            return Err(FormError::BufferCoefficientOutOfRange {
                value: buffer_coefficient,
            });
        }
        Ok(Self {
            buffer_coefficient: buffer_coefficient.into(),
            ..Self::new()
        })
    }

    /// Converts the next step, `momentum` being `γ'_t`, which may be 1 or more. On an error the law stays
    /// where it was.
    ///
    /// # Errors
    /// [`FormError::Hyperparameters`] or [`FormError::MomentumNegativeOrNotFinite`] for invalid ones,
    /// [`FormError::ShrinkNotPositive`] for `a_t ≤ 0`, [`FormError::Overflow`] where `a_t`, `c_t` or
    /// `γ̃'_t` leaves float64, [`FormError::StepsExhausted`].
    pub fn step(&mut self, hyperparameters: Hyperparameters) -> Result<InsideStep, FormError> {
        let step = self.step;
        validate(hyperparameters, step)?;
        let next = step
            .checked_add(1)
            .ok_or(FormError::StepsExhausted { step })?;
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = hyperparameters;
        let buffer_coefficient = self.buffer_coefficient.value();
        let algebra = self.algebra(hyperparameters);
        let (shrink, twin_momentum) = (algebra.shrink.value(), algebra.momentum.value());
        let buffer_coefficient_after = algebra.buffer_coefficient.value();
        if shrink <= 0.0 {
            return Err(FormError::ShrinkNotPositive {
                step,
                learning_rate,
                weight_decay,
                momentum,
                buffer_coefficient,
                shrink,
            });
        }
        let ln_shrink = algebra.shrink_minus_one.ln_1p();
        // At −1 the step before would have an infinite shrink.
        let held = buffer_coefficient_after > -1.0;
        if !(shrink.is_finite() && twin_momentum.is_finite() && held) {
            return Err(FormError::Overflow {
                step,
                learning_rate,
                weight_decay,
                momentum,
                buffer_coefficient,
            });
        }
        let (before, after) = (self.ln_scale, self.ln_scale.plus(ln_shrink));
        *self = Self {
            step: next,
            ln_scale: after,
            buffer_coefficient: algebra.buffer_coefficient,
        };
        Ok(InsideStep {
            step,
            ln_learning_rate: learning_rate.ln() - (before.value() + after.value()),
            momentum: twin_momentum,
            shrink,
            ln_shrink,
            ln_scale_before: before.value() + buffer_coefficient.ln_1p(),
            ln_scale: before.value(),
            ln_scale_after: after.value(),
            buffer_coefficient,
            buffer_coefficient_after,
        })
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

    /// `c_{t−1}` before the next step `t`.
    #[must_use]
    pub fn buffer_coefficient(&self) -> f64 {
        self.buffer_coefficient.value()
    }

    /// The next step's algebra.
    fn algebra(&self, with: Hyperparameters) -> Inside<Compensated> {
        let [learning_rate, weight_decay, momentum] =
            [with.learning_rate, with.weight_decay, with.momentum].map(Compensated::from);
        let algebra = inside(
            learning_rate * weight_decay,
            momentum,
            self.buffer_coefficient,
        );
        Inside {
            shrink_minus_one: algebra.shrink_minus_one.normalised(),
            shrink: algebra.shrink.normalised(),
            buffer_coefficient: algebra.buffer_coefficient.normalised(),
            momentum: algebra.momentum.normalised(),
        }
    }
}
