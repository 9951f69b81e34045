//! AdamW as Adam, with the optimiser's own step or with the stock one.

use super::{DecoupledError, DecoupledLaw, DecoupledStep};
use crate::optimiser::{AdamWCoefficients, AdamWHyperparameters, MovingAverage, bias_correction};

/// One of the two `β` of Adam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `β₁`, of the mean of gradients.
    First,
    /// `β₂`, of the mean of squared gradients.
    Second,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::First => "beta1",
            Self::Second => "beta2",
        })
    }
}

/// A step of AdamW that has no equivalent step of Adam.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdamWError {
    /// The weight decay has no equivalent.
    #[error(transparent)]
    Decay(#[from] DecoupledError),
    /// A `β` is outside `[0, 1)`, or NaN.
    #[error(
        "{moment} is {value:?} at step {step}; it must be at least 0 and below 1, or the bias \
         correction divides by 0"
    )]
    BetaOutOfRange {
        /// Which one it is.
        moment: Moment,
        /// The step.
        step: u64,
        /// The value.
        value: f64,
    },
    /// `ε` is negative, NaN or infinite.
    #[error(
        "epsilon is {value:?} at step {step}; it must be finite and not negative, such as 1e-8"
    )]
    EpsilonOutOfRange {
        /// The step.
        step: u64,
        /// The value.
        value: f64,
    },
}

impl AdamWHyperparameters {
    /// Checks what plain SGD does not have; `step` is for the message.
    fn validate_moments(&self, step: u64) -> Result<(), AdamWError> {
        for (moment, value) in [(Moment::First, self.beta1), (Moment::Second, self.beta2)] {
            if !(0.0..1.0).contains(&value) {
                return Err(AdamWError::BetaOutOfRange {
                    moment,
                    step,
                    value,
                });
            }
        }
        if !(self.epsilon.is_finite() && self.epsilon >= 0.0) {
            return Err(AdamWError::EpsilonOutOfRange {
                step,
                value: self.epsilon,
            });
        }
        Ok(())
    }
}

/// One step of Adam, without weight decay, equivalent to one of AdamW.
///
/// It is no step of a stock Adam: the weights of the new gradient and its square stay `1 − β` of the
/// *original* `β`, and so do the bias corrections. [`StockAdamStep`] says the same in stock
/// hyperparameters.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct AdamStep {
    /// The learning rate, and how the state relates to the original's.
    pub decoupled: DecoupledStep,
    /// `β̃₁ = β₁ a_{t−1}`.
    pub beta1: f64,
    /// `β̃₂ = β₂ a_{t−1}²`.
    pub beta2: f64,
    /// `ln ε̃_t = ln ε + ln A_t`; −∞ where `ε = 0`.
    pub ln_epsilon: f64,
    /// The same step for an Adam that has nothing but `(η, β₁, β₂, ε)`.
    pub stock: StockAdamStep,
    original: AdamWHyperparameters,
}

impl AdamStep {
    /// `ε̃_t = ε A_t`.
    #[must_use]
    pub fn epsilon(&self) -> f64 {
        self.ln_epsilon.exp()
    }

    /// All numbers of the step, for [`AdamWState::stepped`](crate::optimiser::AdamWState::stepped).
    #[must_use]
    pub fn coefficients(&self) -> AdamWCoefficients {
        let original = self.original.coefficients(self.decoupled.step);
        AdamWCoefficients {
            learning_rate: self.decoupled.learning_rate(),
            weight_decay: 0.0,
            first_moment: MovingAverage {
                keep: self.beta1,
                ..original.first_moment
            },
            second_moment: MovingAverage {
                keep: self.beta2,
                ..original.second_moment
            },
            epsilon: self.epsilon(),
            ..original
        }
    }
}

/// The hyperparameters with which a *stock* Adam takes the equivalent step (new here).
///
/// A stock optimiser weighs a new gradient with `1 − β` and corrects by `1 − β^{t+1}`, of the `β` it is given.
/// With its moments kept at other scales, `m̂_t = s_t m̃_t` and `v̂_t = q_t ṽ_t`, that is no obstacle: with
/// `s_0 = q_0 = 1`,
/// ```text
/// s_{t+1} = 1/(1 − β₁ + β₁a_{t−1}/s_t)      β̂₁ = 1 − s_{t+1}(1 − β₁)
/// q_{t+1} = 1/(1 − β₂ + β₂a_{t−1}²/q_t)     β̂₂ = 1 − q_{t+1}(1 − β₂)
/// h = √(ĉ₂/(q_{t+1}c₂))    η̂ = η̃ ĉ₁/(c₁ s_{t+1} h)    ε̂ = ε̃/h    c = 1 − β^{t+1},  ĉ = 1 − β̂^{t+1}
/// ```
/// The bias corrections are scalars, so what is wrong with them can be put into `η̂` and `ε̂`. All
/// four change at every step; the `β̂` are below the original ones.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct StockAdamStep {
    /// `ln η̂_t`.
    pub ln_learning_rate: f64,
    /// `β̂₁`, in `[0, 1)`.
    pub beta1: f64,
    /// `β̂₂`, in `[0, 1)`.
    pub beta2: f64,
    /// `ln ε̂_t`.
    pub ln_epsilon: f64,
    /// `s_{t+1}`, the scale of the first moment after the step, against [`AdamStep`]'s.
    pub first_moment_scale_after: f64,
    /// `q_{t+1}`, that of the second moment.
    pub second_moment_scale_after: f64,
}

impl StockAdamStep {
    /// What to give PyTorch's `Adam` or `AdamW`, weight decay 0.
    #[must_use]
    pub fn hyperparameters(&self) -> AdamWHyperparameters {
        AdamWHyperparameters {
            learning_rate: self.ln_learning_rate.exp(),
            weight_decay: 0.0,
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.ln_epsilon.exp(),
        }
    }
}

/// A moment at a scale of its own in which a stock optimiser's coefficients hold.
#[derive(Clone, Copy, Debug, PartialEq)]
struct StockMoment {
    scale: f64,
    beta: f64,
    /// `ln(ĉ/c)`.
    ln_correction_ratio: f64,
}

impl StockMoment {
    /// From the scale before, `β a` or `β a²` and `β`, at a step.
    fn after(scale: f64, keep: f64, beta: f64, step: u64) -> Self {
        let kept = keep / scale;
        let scale = 1.0 / (1.0 - beta + kept);
        let of_stock = kept * scale;
        // ln β̂ in the form that does not cancel where β̂ is near 1; where it is near 0, β̂ᵗ does not matter.
        let ln_of_stock = (-(scale * (1.0 - beta)).min(1.0)).ln_1p();
        let correction = bias_correction(ln_of_stock, step);
        Self {
            scale,
            beta: of_stock,
            ln_correction_ratio: (correction / bias_correction(beta.ln(), step)).ln(),
        }
    }
}

/// The exact equivalence of AdamW to Adam on scale-invariant stochastic losses: the
/// [law](DecoupledLaw) of degree 0, with AdamW's `β` and `ε` (new here).
///
/// ```
/// use schedule_core::law::decoupled::AdamWLaw;
/// use schedule_core::optimiser::AdamWHyperparameters;
///
/// let adamw = AdamWHyperparameters {
///     learning_rate: 0.5, weight_decay: 0.5, beta1: 0.5, beta2: 0.5, epsilon: 1e-8,
/// };
/// let mut law = AdamWLaw::new();
/// law.step(adamw)?;
/// let second = law.step(adamw)?;
/// assert_eq!((second.beta1, second.beta2), (0.5 * 0.75, 0.5 * 0.75 * 0.75));
/// assert!((second.epsilon() - 0.75e-8).abs() < 1e-22);
/// assert!((second.decoupled.learning_rate() - 0.5 / (0.75 * 0.75)).abs() < 1e-15);
/// # Ok::<(), schedule_core::law::decoupled::AdamWError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AdamWLaw {
    decoupled: DecoupledLaw,
    first_scale: f64,
    second_scale: f64,
}

impl Default for AdamWLaw {
    fn default() -> Self {
        Self::new()
    }
}

impl AdamWLaw {
    /// The law from step 0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            decoupled: DecoupledLaw::of_degree(0.0),
            first_scale: 1.0,
            second_scale: 1.0,
        }
    }

    /// Converts the next step. On an error the law stays where it was.
    ///
    /// # Errors
    /// [`AdamWError`], with the step and the value that is wrong.
    pub fn step(&mut self, with: AdamWHyperparameters) -> Result<AdamStep, AdamWError> {
        with.validate_moments(self.decoupled.next_step())?;
        let decoupled = self.decoupled.step(with.learning_rate, with.weight_decay)?;
        let beta1 = decoupled.memory(MovingAverage::of_decay(with.beta1)).keep;
        let beta2 = decoupled
            .second_moment(MovingAverage::of_decay(with.beta2))
            .keep;
        let ln_epsilon = decoupled.ln_epsilon(with.epsilon);

        let first = StockMoment::after(self.first_scale, beta1, with.beta1, decoupled.step);
        let second = StockMoment::after(self.second_scale, beta2, with.beta2, decoupled.step);
        let ln_root_ratio = 0.5 * (second.ln_correction_ratio - second.scale.ln());
        let stock = StockAdamStep {
            ln_learning_rate: decoupled.ln_learning_rate + first.ln_correction_ratio
                - first.scale.ln()
                - ln_root_ratio,
            beta1: first.beta,
            beta2: second.beta,
            ln_epsilon: ln_epsilon - ln_root_ratio,
            first_moment_scale_after: first.scale,
            second_moment_scale_after: second.scale,
        };
        (self.first_scale, self.second_scale) = (first.scale, second.scale);
        Ok(AdamStep {
            decoupled,
            beta1,
            beta2,
            ln_epsilon,
            stock,
            original: with,
        })
    }

    /// The step to be converted next, from 0.
    #[must_use]
    pub fn next_step(&self) -> u64 {
        self.decoupled.next_step()
    }

    /// `ln A_t` before the next step `t`.
    #[must_use]
    pub fn ln_scale(&self) -> f64 {
        self.decoupled.ln_scale()
    }
}
