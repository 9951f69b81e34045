//! PyTorch's dampening as a rate.

use super::{FormError, validate};
use crate::Hyperparameters;
use crate::recurrence::undampened;

/// SGD with dampening, `b_{t+1} = γ_t b_t + (1 − τ_t)(g_t + λ_t θ_t)`, `θ_{t+1} = θ_t − η_t b_{t+1}`, as SGD
/// without, step by step.
///
/// The same trajectory, with the buffer `b_t/(1 − τ_{t−1})`, has
/// ```text
/// η'_t = η_t (1 − τ_t)    γ'_t = γ_t (1 − τ_{t−1})/(1 − τ_t)    λ'_t = λ_t
/// ```
/// `τ_{−1} = τ_0`, so that a buffer that starts at 0 does so in both, and constant dampening only rescales
/// the rate. PyTorch does not dampen its very first step, in which it sets the buffer to
/// the gradient: give `τ_0 = 0` there. Then `γ'_1 = γ_1/(1 − τ)`, which may be 1 or more, and is
/// all the same the same trajectory. New here.
///
/// ```
/// use schedule_core::law::form::WithoutDampening;
/// use schedule_core::Hyperparameters;
///
/// let sgd = Hyperparameters { learning_rate: 0.5, weight_decay: 5e-4, momentum: 0.875 };
/// let mut change = WithoutDampening::new();
/// assert_eq!(change.step(sgd, 0.75)?, Hyperparameters { learning_rate: 0.125, ..sgd });
/// # Ok::<(), schedule_core::law::form::FormError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WithoutDampening {
    step: u64,
    previous: Option<f64>,
}

impl WithoutDampening {
    /// The change from step 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the next step, with dampening `τ_t`, without it. On an error the change stays where it was.
    ///
    /// # Errors
    /// [`FormError::DampeningOutOfRange`], [`FormError::DampeningOverflows`];
    /// [`FormError::Hyperparameters`] or [`FormError::MomentumNegativeOrNotFinite`] for invalid ones;
    /// [`FormError::StepsExhausted`].
    pub fn step(
        &mut self,
        given: Hyperparameters,
        dampening: f64,
    ) -> Result<Hyperparameters, FormError> {
        let step = self.step;
        validate(given, step)?;
        if !(0.0..1.0).contains(&dampening) {
            let value = dampening;
            return Err(FormError::DampeningOutOfRange { step, value });
        }
        let next = step
            .checked_add(1)
            .ok_or(FormError::StepsExhausted { step })?;
        let previous = self.previous.unwrap_or(dampening);
        let algebra = undampened(
            given.learning_rate,
            given.momentum,
            1.0 - previous,
            1.0 - dampening,
        );
        if !algebra.momentum.is_finite() {
            return Err(FormError::DampeningOverflows {
                step,
                momentum: given.momentum,
                previous,
                dampening,
            });
        }
        self.step = next;
        self.previous = Some(dampening);
        Ok(Hyperparameters {
            learning_rate: algebra.learning_rate,
            momentum: algebra.momentum,
            ..given
        })
    }

    /// The step to be written next, from 0.
    #[must_use]
    pub fn next_step(&self) -> u64 {
        self.step
    }
}
