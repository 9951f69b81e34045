//! The law for decoupled weight decay, for any homogeneous optimiser.

use crate::companions::RunningStatisticsCorrection;
use crate::optimiser::MovingAverage;
use crate::recurrence::{decoupled, memory_coefficient};
use crate::sum::CompensatedSum;
use crate::{Hyperparameters, RecipeError};

/// A step with decoupled weight decay that has no equivalent without.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecoupledError {
    /// The learning rate or weight decay is invalid by itself.
    #[error(transparent)]
    Hyperparameters(#[from] RecipeError),
    /// `a_t ≤ 0`: the step would map the parameters through the origin.
    #[error(
        "step {step} has no weight-decay-free equivalent with a positive learning rate: \
         a_t = 1 − ηλ = {shrink:?} is not positive at learning rate η = {learning_rate:?}, weight \
         decay λ = {weight_decay:?}; lower one of them until ηλ is below 1"
    )]
    ShrinkNotPositive {
        /// The step `t`.
        step: u64,
        /// `η_t`.
        learning_rate: f64,
        /// `λ_t`.
        weight_decay: f64,
        /// `a_t`.
        shrink: f64,
    },
    /// The degree of homogeneity is NaN or infinite.
    #[error(
        "the degree of homogeneity is {value}; give a finite number: 1 for SGDW, 0 for an optimiser \
         that normalises its gradients"
    )]
    DegreeNotFinite {
        /// What was given.
        value: f64,
    },
    /// The step counter is at its end.
    #[error("the step counter has reached its largest value, {step}; start a new law")]
    StepsExhausted {
        /// The largest step there is.
        step: u64,
    },
}

/// One step of a run without weight decay whose original has it decoupled.
///
/// Before the step `θ̃_t = θ_t/A_t`, with `A_t = exp(ln_scale)`, and every memory of gradients is
/// `A_{t−1}` times the original's, with `A_{t−1} = exp(ln_memory_scale)`; a memory of squares, `A_{t−1}²`
/// times. After the step, `A_{t+1}` and `A_t` take their places.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DecoupledStep {
    /// `t`, from 0.
    pub step: u64,
    /// `k`, the degree of the update in the gradients.
    pub degree: f64,
    /// `ln η̃_t = ln η_t − ln A_{t+1} − k ln A_t`; −∞ where `η_t = 0`.
    pub ln_learning_rate: f64,
    /// `a_t = A_{t+1}/A_t = 1 − η_tλ_t`.
    pub shrink: f64,
    /// `ln a_t`, accurate also where `a_t` is near 1.
    pub ln_shrink: f64,
    /// `a_{t−1}`, by which memory coefficients are multiplied; 1 in the first step.
    pub shrink_before: f64,
    /// `ln A_{t−1}`, with `A_{−1} = 1`.
    pub ln_memory_scale: f64,
    /// `ln A_t`.
    pub ln_scale: f64,
    /// `ln A_{t+1}`.
    pub ln_scale_after: f64,
}

impl DecoupledStep {
    /// `η̃_t`, infinite where it leaves float64.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.ln_learning_rate.exp()
    }

    /// The coefficients of a memory of gradients: `keep · a_{t−1}`, the new gradient's weight unchanged.
    #[must_use]
    pub fn memory(&self, original: MovingAverage) -> MovingAverage {
        MovingAverage {
            keep: memory_coefficient(original.keep, self.shrink_before),
            weight: original.weight,
        }
    }

    /// The coefficients of a memory of squared gradients: `keep · a_{t−1}²`.
    #[must_use]
    pub fn second_moment(&self, original: MovingAverage) -> MovingAverage {
        self.memory(self.memory(original))
    }

    /// `ln ε̃_t = ln ε + ln A_t`, for a constant that is compared with gradients, or with the root of
    /// their squares.
    #[must_use]
    pub fn ln_epsilon(&self, original: f64) -> f64 {
        original.ln() + self.ln_scale
    }

    /// What running statistics are multiplied by once this step is done; see
    /// [`EquivalentStep::running_statistics_correction`](crate::EquivalentStep::running_statistics_correction).
    #[must_use]
    pub fn running_statistics_correction(&self, input_degree: f64) -> RunningStatisticsCorrection {
        RunningStatisticsCorrection::new(self.ln_shrink, input_degree)
    }
}

/// The exact equivalence of an optimiser with decoupled weight decay to the same one without, on
/// scale-invariant stochastic losses, step by step in constant memory (new here).
///
/// The update `u_t` in `θ_{t+1} = (1 − η_tλ_t)θ_t − η_t u_t` may be any function of the gradients so far
/// that is homogeneous of a degree `k`: gradients scaled by `c` give an update scaled by `c^k`. With
/// `A_0 = 1` and `a_{−1} = 1`:
/// ```text
/// a_t = 1 − η_tλ_t     A_{t+1} = a_tA_t     η̃_t = η_t/(A_{t+1}A_t^k)     ε̃_t = εA_t
/// memory of gradients: m' = (β a_{t−1}) m + w g;   of squares: v' = (β a_{t−1}²) v + w g²
/// ```
/// where `w`, such as `1 − β`, and bias corrections stay those of the original. If every `a_t > 0`, the
/// run without weight decay from the same state visits `θ̃_t = θ_t/A_t`.
///
/// ```
/// use schedule_core::law::decoupled::DecoupledLaw;
/// use schedule_core::optimiser::MovingAverage;
///
/// let mut lion = DecoupledLaw::lion();
/// lion.step(0.5, 0.5)?;
/// let second = lion.step(0.5, 0.5)?;
/// assert!((second.learning_rate() - 0.5 / (0.75 * 0.75)).abs() < 1e-15);
/// let memory = second.memory(MovingAverage::of_decay(0.5));
/// assert_eq!(memory, MovingAverage { keep: 0.5 * 0.75, weight: 0.5 });
/// # Ok::<(), schedule_core::law::decoupled::DecoupledError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DecoupledLaw {
    degree: f64,
    step: u64,
    shrink_before: f64,
    ln_memory_scale: f64,
    ln_scale: CompensatedSum,
}

impl DecoupledLaw {
    /// The law of an update that is homogeneous of degree `k` in its gradients.
    ///
    /// # Errors
    /// [`DecoupledError::DegreeNotFinite`].
    ///
    /// ```
    /// use schedule_core::law::decoupled::DecoupledLaw;
    /// // An update m/√‖m‖.
    /// let mut law = DecoupledLaw::homogeneous(0.5)?;
    /// law.step(0.5, 0.5)?;
    /// let expected = 0.5 / (0.75f64.powi(2) * 0.75f64.sqrt());
    /// assert!((law.step(0.5, 0.5)?.learning_rate() - expected).abs() < 1e-15);
    /// # Ok::<(), schedule_core::law::decoupled::DecoupledError>(())
    /// ```
    pub fn homogeneous(degree: f64) -> Result<Self, DecoupledError> {
        if !degree.is_finite() {
            return Err(DecoupledError::DegreeNotFinite { value: degree });
        }
        Ok(Self::of_degree(degree))
    }

    /// The law of [SGDW](crate::optimiser::SgdwState): degree 1, memory the momentum buffer.
    #[must_use]
    pub fn sgdw() -> Self {
        Self::of_degree(1.0)
    }

    /// The law of [Lion](crate::optimiser::LionState): degree 0, both `β` coefficients of the memory.
    #[must_use]
    pub fn lion() -> Self {
        Self::of_degree(0.0)
    }

    /// The law of [Muon](crate::optimiser::MuonState): degree 0, memory the momentum buffer. With a
    /// look-ahead `g + μb'`, only the coefficient inside `b'` is a memory's; that of `b'` stays.
    #[must_use]
    pub fn muon() -> Self {
        Self::of_degree(0.0)
    }

    pub(super) fn of_degree(degree: f64) -> Self {
        Self {
            degree,
            step: 0,
            shrink_before: 1.0,
            ln_memory_scale: 0.0,
            ln_scale: CompensatedSum::default(),
        }
    }

    /// Converts the next step, of learning rate `η_t` and weight decay `λ_t`. On an error the law stays
    /// where it was.
    ///
    /// # Errors
    /// [`DecoupledError::Hyperparameters`] where one is negative or not finite,
    /// [`DecoupledError::ShrinkNotPositive`] for `a_t ≤ 0`, [`DecoupledError::StepsExhausted`].
    pub fn step(
        &mut self,
        learning_rate: f64,
        weight_decay: f64,
    ) -> Result<DecoupledStep, DecoupledError> {
        let step = self.step;
        let without_momentum = Hyperparameters {
            learning_rate,
            weight_decay,
            momentum: 0.0,
        };
        without_momentum.validate(step)?;
        let next = step
            .checked_add(1)
            .ok_or(DecoupledError::StepsExhausted { step })?;
        let algebra = decoupled(learning_rate, weight_decay);
        let shrink = algebra.shrink;
        if shrink <= 0.0 {
            return Err(DecoupledError::ShrinkNotPositive {
                step,
                learning_rate,
                weight_decay,
                shrink,
            });
        }
        let ln_shrink = algebra.shrink_minus_one.ln_1p();
        let ln_scale = self.ln_scale.value();
        let ln_scale_after = self.ln_scale.plus(ln_shrink);
        let converted = DecoupledStep {
            step,
            degree: self.degree,
            // With an extreme degree both terms of the difference could be −∞ at a rate of 0.
            ln_learning_rate: if learning_rate > 0.0 {
                learning_rate.ln() - (self.degree * ln_scale + ln_scale_after.value())
            } else {
                f64::NEG_INFINITY
            },
            shrink,
            ln_shrink,
            shrink_before: self.shrink_before,
            ln_memory_scale: self.ln_memory_scale,
            ln_scale,
            ln_scale_after: ln_scale_after.value(),
        };
        *self = Self {
            degree: self.degree,
            step: next,
            shrink_before: shrink,
            ln_memory_scale: ln_scale,
            ln_scale: ln_scale_after,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_an_error_and_not_an_overflow() {
        let mut law = DecoupledLaw {
            step: u64::MAX,
            ..DecoupledLaw::sgdw()
        };
        let exhausted = DecoupledError::StepsExhausted { step: u64::MAX };
        assert_eq!(law.step(0.1, 0.0), Err(exhausted));
    }
}
