//! From the rate outside the momentum buffer to the rate inside it, and back.

use std::fmt;

use super::{FormError, validate};
use crate::Hyperparameters;
use crate::recurrence::momentum_inside;

/// Where the learning rate meets the momentum buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum MomentumForm {
    /// `b_{t+1} = γ_t b_t + g_t + λ_t θ_t`, `θ_{t+1} = θ_t − η_t b_{t+1}`: PyTorch, JAX, and the form of
    /// [`Recipe`](crate::Recipe).
    LrOutside,
    /// `v_{t+1} = γ'_t v_t + η_t (g_t + λ_t θ_t)`, `θ_{t+1} = θ_t − v_{t+1}`: Sutskever et al. (2013), Caffe,
    /// Keras.
    LrInside,
}

impl fmt::Display for MomentumForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LrOutside => "rate outside the momentum buffer",
            Self::LrInside => "rate inside the momentum buffer",
        })
    }
}

/// The same trajectory in the other form of momentum, step by step.
///
/// Rates and decays stay as they are; with `η_{−1} = η_0`
/// ```text
/// γ'_t = γ_t η_t/η_{t−1}    v_t = η_{t−1} b_t
/// ```
/// So a run whose buffer starts at 0 does so in both forms. Momentum can leave `[0, 1)`: a drop of the
/// rate by 10 makes 9 of a `γ'` of 0.9 for one step, and a steep warm-up does the same to `γ`. That is
/// the same trajectory all the same; [`ExactLaw`](crate::ExactLaw) refuses such a step and
/// [`InsideLaw`](crate::law::form::InsideLaw) takes it. New here.
///
/// ```
/// use schedule_core::law::form::{FormChange, MomentumForm};
/// use schedule_core::Hyperparameters;
///
/// let mut change = FormChange::to(MomentumForm::LrInside);
/// let sgd = |learning_rate| Hyperparameters { learning_rate, weight_decay: 5e-4, momentum: 0.9 };
/// assert_eq!(change.step(sgd(0.5))?.momentum, 0.9);
/// assert_eq!(change.step(sgd(0.25))?.momentum, 0.45);
/// assert_eq!(change.step(sgd(0.25))?.momentum, 0.9);
/// # Ok::<(), schedule_core::law::form::FormError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FormChange {
    to: MomentumForm,
    step: u64,
    previous: Option<f64>,
}

impl FormChange {
    /// The change into a form from the other one, from step 0.
    #[must_use]
    pub fn to(form: MomentumForm) -> Self {
        Self {
            to: form,
            step: 0,
            previous: None,
        }
    }

    /// Writes the next step in the other form. On an error the change stays where it was.
    ///
    /// # Errors
    /// [`FormError::NoMomentum`] where the buffer is lost in a rate of 0 or the new momentum leaves
    /// float64; [`FormError::Hyperparameters`] or [`FormError::MomentumNegativeOrNotFinite`] for invalid
    /// ones; [`FormError::StepsExhausted`].
    pub fn step(&mut self, given: Hyperparameters) -> Result<Hyperparameters, FormError> {
        let step = self.step;
        validate(given, step)?;
        let next = step
            .checked_add(1)
            .ok_or(FormError::StepsExhausted { step })?;
        let learning_rate = given.learning_rate;
        let previous = self.previous.unwrap_or(learning_rate);
        let momentum = if given.momentum == 0.0 || previous == learning_rate {
            given.momentum
        } else {
            match self.to {
                MomentumForm::LrInside => momentum_inside(given.momentum, previous, learning_rate),
                MomentumForm::LrOutside => momentum_inside(given.momentum, learning_rate, previous),
            }
        };
        if !momentum.is_finite() {
            return Err(FormError::NoMomentum {
                to: self.to,
                step,
                momentum: given.momentum,
                previous,
                learning_rate,
            });
        }
        self.step = next;
        self.previous = Some(learning_rate);
        Ok(Hyperparameters { momentum, ..given })
    }

    /// The step to be written next, from 0.
    #[must_use]
    pub fn next_step(&self) -> u64 {
        self.step
    }
}
