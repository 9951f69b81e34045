//! The exact law, for any schedules.

use super::{ExactSteps, one_minus_sqrt};
use crate::field::{Compensated, Field};
use crate::recurrence::{Coupled, coupled};
use crate::sum::CompensatedSum;
use crate::{EquivalentStep, Hyperparameters, LawError, Recipe};

/// The exact equivalence of SGD with momentum and weight decay to SGD with momentum alone, on
/// scale-invariant stochastic losses, step by step in constant memory.
///
/// With `A_0 = 1` and a free `κ_{−1}` (0 for a buffer left as it is):
/// ```text
/// d_t = λ_t + γ_t κ_{t−1}    a_t = 1 − η_t d_t    κ_t = d_t/a_t    A_{t+1} = a_t A_t
/// η̃_t = η_t/(A_t A_{t+1})    λ̃_t = 0    γ̃_t = γ_t    b̃_t = A_t (b_t − κ_{t−1} θ_t)
/// ```
/// If every `a_t > 0`, the run with `(η̃, 0, γ̃)` from the same `θ_0` and `b̃_0 = b_0 − κ_{−1}θ_0` visits
/// `θ̃_t = θ_t/A_t`: the same direction, function and loss at every step. It generalises the theorems
/// of Li & Arora (arXiv:1910.07454) on constant hyperparameters and on step decay to any schedules.
/// The largest values of a recipe decide: `a_t > 0` throughout when `κ_{−1} = 0` and
/// `max η · max λ ≤ (1 − √max γ)²`, and below 1.
///
/// Numbers: `ln A_t` sums `ln_1p(−η_t d_t)` with compensation, since neither `a_t` near 1 nor a long
/// plain sum keeps the digits that matter; and `κ_t` is carried with what its rounding took from it, since
/// near `γ = 1` the recurrence sums up the roundings of `1/(1 − β/α)` steps (`α ≥ β` the roots of
/// [`ConstantPhase`](crate::law::exact::ConstantPhase)). `ln η̃` is right to `1e-11 + 1e-14 |ln η̃|` up to 10⁶ steps.
///
/// ```
/// use schedule_core::{ExactLaw, Hyperparameters};
///
/// let mut law = ExactLaw::new();
/// let sgd = Hyperparameters { learning_rate: 0.5, weight_decay: 0.5, momentum: 0.0 };
/// let first = law.step(sgd)?;
/// assert_eq!(first.shrink, 0.75); // 1 − ηλ
/// assert!((first.learning_rate() - 0.5 / 0.75).abs() < 1e-15);
/// let second = law.step(sgd)?;
/// assert!((second.learning_rate() - 0.5 / 0.75f64.powi(3)).abs() < 1e-15);
/// # Ok::<(), schedule_core::LawError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExactLaw {
    pub(super) step: u64,
    pub(super) ln_scale: CompensatedSum,
    pub(super) buffer_coefficient: Compensated,
}

impl Default for ExactLaw {
    fn default() -> Self {
        Self::new()
    }
}

impl ExactLaw {
    /// The law from step 0 with `κ_{−1} = 0`: both runs start from the same momentum buffer, such as
    /// the zero buffer.
    #[must_use]
    pub fn new() -> Self {
        Self {
            step: 0,
            ln_scale: CompensatedSum::default(),
            buffer_coefficient: Compensated::ZERO,
        }
    }

    /// The law from step 0 with a chosen `κ_{−1}`: the run without weight decay starts from the buffer
    /// `b̃_0 = b_0 − κ_{−1} θ_0`.
    ///
    /// With `κ_{−1}` the [stationary value](crate::law::exact::ConstantPhase::stationary_buffer_coefficient) of a
    /// constant recipe the learning rate is exactly exponential from the first step.
    ///
    /// # Errors
    /// [`LawError::BufferCoefficientNotFinite`].
    ///
    /// ```
    /// use schedule_core::law::exact::ConstantPhase;
    /// use schedule_core::{ExactLaw, Hyperparameters};
    ///
    /// let sgd = Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 };
    /// let phase = ConstantPhase::new(sgd)?;
    /// let mut law = ExactLaw::from_buffer_coefficient(phase.stationary_buffer_coefficient())?;
    /// for _ in 0..100 {
    ///     assert!((law.step(sgd)?.shrink - phase.root()).abs() < 1e-15);
    /// }
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    pub fn from_buffer_coefficient(buffer_coefficient: f64) -> Result<Self, LawError> {
        if !buffer_coefficient.is_finite() {
            return Err(LawError::BufferCoefficientNotFinite {
                value: buffer_coefficient,
            });
        }
        Ok(Self {
            buffer_coefficient: buffer_coefficient.into(),
            ..Self::new()
        })
    }

    /// Converts the next step. On an error the law stays where it was.
    ///
    /// # Errors
    /// [`LawError::Hyperparameters`] for invalid ones, [`LawError::ShrinkNotPositive`] for `a_t ≤ 0`,
    /// [`LawError::Overflow`] where `d_t` or `κ_t` leaves float64, [`LawError::StepsExhausted`].
    #[inline]
    pub fn step(&mut self, hyperparameters: Hyperparameters) -> Result<EquivalentStep, LawError> {
        self.step_keeping(hyperparameters, 0.0)
    }

    /// Converts the next step into one that keeps a weight decay `λ̃_t`: one weight decay schedule into
    /// another. On an error the law stays where it was.
    ///
    /// As [`step`](Self::step), which keeps 0, with
    /// ```text
    /// d_t = λ_t − λ̃_t/A_t² + γ_t κ_{t−1}
    /// ```
    /// Conversions compose: if one has `A` and `κ`, and another of its result `A'` and `κ'`, then `A A'`
    /// and `κ_t + κ'_t/A_{t+1}²` are those of the conversion at once. New here.
    ///
    /// # Errors
    /// As [`step`](Self::step); [`LawError::Hyperparameters`] also for a `λ̃_t` that is negative or not
    /// finite; [`LawError::ShrinkNotPositiveKeeping`] for `a_t ≤ 0` where `λ̃_t > 0`;
    /// [`LawError::KeptDecayOverflows`] where `λ̃_t/A_t²` leaves float64.
    ///
    /// ```
    /// use schedule_core::{ExactLaw, Hyperparameters};
    ///
    /// let sgd = Hyperparameters { learning_rate: 0.5, weight_decay: 0.5, momentum: 0.0 };
    /// let mut law = ExactLaw::new();
    /// // Half of the decay is kept, so half of it is left to shrink the parameters.
    /// let step = law.step_keeping(sgd, 0.25)?;
    /// assert_eq!((step.weight_decay, step.shrink), (0.25, 1.0 - 0.5 * 0.25));
    /// // They now are 1/0.875 of the original's, and feel that much more of it.
    /// let step = law.step_keeping(sgd, 0.25)?;
    /// assert!((step.shrink - (1.0 - 0.5 * (0.5 - 0.25 / 0.875f64.powi(2)))).abs() < 1e-15);
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    #[inline]
    pub fn step_keeping(
        &mut self,
        hyperparameters: Hyperparameters,
        kept_weight_decay: f64,
    ) -> Result<EquivalentStep, LawError> {
        let step = self.step;
        let (converted, after) = self.convert_keeping(hyperparameters, kept_weight_decay)?;
        let next = step
            .checked_add(1)
            .ok_or(LawError::StepsExhausted { step })?;
        *self = Self {
            step: next,
            ..after
        };
        Ok(converted)
    }

    /// The next step's equivalent, without taking it: the last step there is has one, too.
    pub(super) fn convert(
        &self,
        hyperparameters: Hyperparameters,
    ) -> Result<EquivalentStep, LawError> {
        let (converted, _) = self.convert_keeping(hyperparameters, 0.0)?;
        Ok(converted)
    }

    /// The next step's equivalent and the law after it, but for the number of the step.
    #[inline]
    fn convert_keeping(
        &self,
        hyperparameters: Hyperparameters,
        kept_weight_decay: f64,
    ) -> Result<(EquivalentStep, Self), LawError> {
        let step = self.step;
        hyperparameters.validate(step)?;
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = hyperparameters;
        let buffer_coefficient = self.buffer_coefficient();

        let kept = self.kept(hyperparameters, kept_weight_decay)?;
        let algebra = self.algebra(hyperparameters, kept);
        let (shrink, ln_shrink) = (algebra.shrink.value(), algebra.shrink_minus_one.ln_1p());
        if shrink <= 0.0 {
            return Err(self.shrink_not_positive(hyperparameters, kept_weight_decay, shrink));
        }
        let buffer_coefficient_after = algebra.buffer_coefficient.value();
        if !(shrink.is_finite() && buffer_coefficient_after.is_finite()) {
            return Err(LawError::Overflow {
                step,
                learning_rate,
                weight_decay,
                momentum,
                buffer_coefficient,
            });
        }

        let ln_scale_after = self.ln_scale.plus(ln_shrink);
        let converted = EquivalentStep {
            step,
            ln_learning_rate: learning_rate.ln() - (self.ln_scale.value() + ln_scale_after.value()),
            weight_decay: kept_weight_decay,
            momentum,
            shrink,
            ln_shrink,
            ln_scale: self.ln_scale.value(),
            ln_scale_after: ln_scale_after.value(),
            buffer_coefficient,
            buffer_coefficient_after,
        };
        let after = Self {
            step,
            ln_scale: ln_scale_after,
            buffer_coefficient: algebra.buffer_coefficient,
        };
        Ok((converted, after))
    }

    /// The next step's algebra, with `kept` less of its decay.
    #[inline]
    pub(super) fn algebra(&self, with: Hyperparameters, kept: f64) -> Coupled<Compensated> {
        let algebra = coupled(
            Compensated::from(with.learning_rate),
            Compensated::from(with.weight_decay) - kept.into(),
            with.momentum.into(),
            self.buffer_coefficient,
        );
        Coupled {
            decay: algebra.decay,
            shrink_minus_one: algebra.shrink_minus_one.normalised(),
            shrink: algebra.shrink,
            buffer_coefficient: algebra.buffer_coefficient.bounded(),
        }
    }

    /// `λ̃_t/A_t²`, the kept decay as the original's parameters see it.
    #[inline]
    fn kept(&self, original: Hyperparameters, kept_weight_decay: f64) -> Result<f64, LawError> {
        // 0 is kept as it is where 1/A² is infinite.
        if kept_weight_decay == 0.0 {
            return Ok(0.0);
        }
        let step = self.step;
        let twin = Hyperparameters {
            weight_decay: kept_weight_decay,
            ..original
        };
        twin.validate(step)?;
        let ln_scale = self.ln_scale.value();
        let kept = kept_weight_decay * (-2.0 * ln_scale).exp();
        if !kept.is_finite() {
            return Err(LawError::KeptDecayOverflows {
                step,
                kept_weight_decay,
                ln_scale,
            });
        }
        Ok(kept)
    }

    fn shrink_not_positive(
        &self,
        original: Hyperparameters,
        kept_weight_decay: f64,
        shrink: f64,
    ) -> LawError {
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = original;
        let (step, buffer_coefficient) = (self.step, self.buffer_coefficient());
        if kept_weight_decay == 0.0 {
            return LawError::ShrinkNotPositive {
                step,
                learning_rate,
                weight_decay,
                momentum,
                buffer_coefficient,
                shrink,
                limit: one_minus_sqrt(momentum).powi(2),
            };
        }
        LawError::ShrinkNotPositiveKeeping {
            step,
            learning_rate,
            weight_decay,
            momentum,
            buffer_coefficient,
            kept_weight_decay,
            ln_scale: self.ln_scale.value(),
            shrink,
        }
    }

    /// Converts the steps of a recipe from the law's current step on, without end.
    ///
    /// The iterator ends after the first error.
    ///
    /// ```
    /// use schedule_core::{ExactLaw, Recipe, Schedule};
    ///
    /// let recipe = Recipe::new(
    ///     Schedule::cosine(0.1, 0.0, 1_000)?,
    ///     Schedule::constant(5e-4)?,
    ///     Schedule::constant(0.9)?,
    /// )?;
    /// let steps = ExactLaw::new().steps(&recipe).take(1_000).collect::<Result<Vec<_>, _>>()?;
    /// assert_eq!(steps.len(), 1_000);
    /// assert!(steps.iter().all(|step| step.shrink > 0.99));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn steps(self, recipe: &Recipe) -> ExactSteps<'_> {
        ExactSteps::new(self, recipe)
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

    /// The law at a later step, where `ln A` is larger by `ln_scale` and `κ` is `buffer_coefficient`.
    pub(super) fn moved_to(&self, step: u64, ln_scale: f64, buffer_coefficient: f64) -> Self {
        Self {
            step,
            ln_scale: self.ln_scale.plus(ln_scale),
            buffer_coefficient: buffer_coefficient.into(),
        }
    }

    /// `κ_{t−1}` before the next step `t`.
    #[must_use]
    pub fn buffer_coefficient(&self) -> f64 {
        self.buffer_coefficient.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_an_error_and_not_an_overflow() {
        let mut law = ExactLaw {
            step: u64::MAX,
            ..ExactLaw::new()
        };
        let sgd = Hyperparameters {
            learning_rate: 0.1,
            weight_decay: 0.0,
            momentum: 0.0,
        };
        assert_eq!(
            law.step(sgd),
            Err(LawError::StepsExhausted { step: u64::MAX })
        );
    }
}
