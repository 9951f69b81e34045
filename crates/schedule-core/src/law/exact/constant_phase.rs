//! The closed form for constant hyperparameters.

use super::one_minus_sqrt;
use crate::{EquivalentStep, Hyperparameters, LawError};

/// What the exact law tends to while the hyperparameters are constant.
///
/// `a_t` tends to `α`, the larger root of `x² − (1 + γ − λη)x + γ = 0`, and `η̃` grows by `α⁻²` a step: the
/// theorem of Li & Arora (arXiv:1910.07454) that constant hyperparameters with weight decay are an
/// exponential learning rate without. The roots are real and positive iff `λη ≤ (1 − √γ)²` (and
/// `λη < 1`, which only `γ = 0` does not imply).
///
/// Nothing cancels, with `s = λη`:
/// ```text
/// q = α − β = √{[(1−√γ)² − s]·[(1+√γ)² − s]}    1−α = 2s/(1−γ+s+q)    κ* = (1−α)/(αη)
/// ```
///
/// ```
/// use schedule_core::law::exact::ConstantPhase;
/// use schedule_core::Hyperparameters;
///
/// let phase =
///     ConstantPhase::new(Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 })?;
/// assert_eq!(phase.root(), 0.999_497_728_367_891_9);
/// // Growth per epoch of 391 steps.
/// assert!(((391.0 * phase.ln_growth()).exp() - 1.48123).abs() < 1e-5);
/// # Ok::<(), schedule_core::LawError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantPhase {
    hyperparameters: Hyperparameters,
    root: f64,
    one_minus_root: f64,
    root_gap: f64,
    stationary_buffer_coefficient: f64,
}

impl ConstantPhase {
    /// The closed form for a recipe that is constant from step 0.
    ///
    /// # Errors
    /// [`LawError::NoPositiveRoot`] with the limit, [`LawError::Hyperparameters`] for invalid ones,
    /// [`LawError::Overflow`] where `κ*` leaves float64.
    pub fn new(hyperparameters: Hyperparameters) -> Result<Self, LawError> {
        Self::from_step(0, hyperparameters)
    }

    /// The same for a phase from some step on; the step is for messages.
    pub(in crate::law) fn from_step(
        step: u64,
        hyperparameters: Hyperparameters,
    ) -> Result<Self, LawError> {
        hyperparameters.validate(step)?;
        // A rate or decay of −0 is 0, or what is divided by it has the wrong sign.
        let hyperparameters = Hyperparameters {
            learning_rate: hyperparameters.learning_rate + 0.0,
            weight_decay: hyperparameters.weight_decay + 0.0,
            ..hyperparameters
        };
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = hyperparameters;
        let product = learning_rate * weight_decay;
        let limit = one_minus_sqrt(momentum).powi(2);
        let no_positive_root = LawError::NoPositiveRoot {
            step,
            learning_rate,
            weight_decay,
            momentum,
            product,
            limit,
        };
        if product > limit {
            return Err(no_positive_root);
        }
        let upper_limit = (1.0 + momentum.sqrt()).powi(2);
        let root_gap = ((limit - product) * (upper_limit - product)).sqrt();
        let denominator = 1.0 - momentum + product + root_gap;
        let one_minus_root = 2.0 * product / denominator;
        // Of the two forms of α, the one that does not cancel.
        let root = if one_minus_root < 0.5 {
            1.0 - one_minus_root
        } else {
            0.5 * (1.0 + momentum - product + root_gap)
        };
        if root <= 0.0 {
            return Err(no_positive_root);
        }
        // (1 − α)/(αη), with η divided out so that a rate of 0 has its limit.
        let stationary_buffer_coefficient = 2.0 * weight_decay / (denominator * root);
        if !stationary_buffer_coefficient.is_finite() {
            let buffer_coefficient = stationary_buffer_coefficient;
            return Err(LawError::Overflow {
                step,
                learning_rate,
                weight_decay,
                momentum,
                buffer_coefficient,
            });
        }
        Ok(Self {
            hyperparameters,
            root,
            one_minus_root,
            root_gap,
            stationary_buffer_coefficient,
        })
    }

    /// The hyperparameters of the phase.
    #[must_use]
    pub fn hyperparameters(&self) -> Hyperparameters {
        self.hyperparameters
    }

    /// `α`, the larger root: what the parameters shrink by in a step, relative to the run without
    /// weight decay.
    #[must_use]
    pub fn root(&self) -> f64 {
        self.root
    }

    /// `1 − α`, to full relative accuracy.
    #[must_use]
    pub fn one_minus_root(&self) -> f64 {
        self.one_minus_root
    }

    /// `ln α`, to full relative accuracy.
    #[must_use]
    pub fn ln_root(&self) -> f64 {
        if self.one_minus_root < 0.5 {
            (-self.one_minus_root).ln_1p()
        } else {
            self.root.ln()
        }
    }

    /// `α − β`, the distance of the roots; 0 at the limit `λη = (1 − √γ)²`.
    #[must_use]
    pub fn root_gap(&self) -> f64 {
        self.root_gap
    }

    /// `−2 ln α`, the growth of `ln η̃` in a step.
    #[must_use]
    pub fn ln_growth(&self) -> f64 {
        -2.0 * self.ln_root()
    }

    /// `κ* = (1 − α)/(αη)`, the `κ` that stays as it is.
    #[must_use]
    pub fn stationary_buffer_coefficient(&self) -> f64 {
        self.stationary_buffer_coefficient
    }

    /// The step `n` steps into a phase that was entered with `κ*` and with parameters at `ln A`: `ln η̃ = ln η − (2n + 1) ln α
    /// − 2 ln A`, and nothing else ever changes.
    ///
    /// ```
    /// use schedule_core::law::exact::ConstantPhase;
    /// use schedule_core::Hyperparameters;
    ///
    /// let phase =
    ///     ConstantPhase::new(Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 })?;
    /// let [first, later] = [0, 391].map(|step| phase.at(step, 0.0).ln_learning_rate);
    /// assert!((later - first - 391.0 * phase.ln_growth()).abs() < 1e-12);
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    #[must_use]
    pub fn at(&self, step: u64, ln_scale: f64) -> EquivalentStep {
        let Hyperparameters {
            learning_rate,
            momentum,
            ..
        } = self.hyperparameters;
        let (before, after) = (step as f64, step as f64 + 1.0);
        let ln_shrink = self.ln_root();
        let [ln_scale, ln_scale_after] = [before, after].map(|steps| ln_scale + steps * ln_shrink);
        EquivalentStep {
            step,
            ln_learning_rate: learning_rate.ln() - (ln_scale + ln_scale_after),
            weight_decay: 0.0,
            momentum,
            shrink: self.root,
            ln_shrink,
            ln_scale,
            ln_scale_after,
            buffer_coefficient: self.stationary_buffer_coefficient,
            buffer_coefficient_after: self.stationary_buffer_coefficient,
        }
    }

    /// By how much `ln η̃` of the exact law, entering the phase with `κ`, finally differs from pure
    /// exponential growth `η α^{−2n−1}`: `−2 ln(1 − Q)`, `Q = γη(κ − κ*)/(α − β)`.
    ///
    /// `None` where the difference does not settle: `Q ≥ 1`, where the exact law itself ends, or a
    /// double root `α = β`.
    ///
    /// ```
    /// use schedule_core::law::exact::ConstantPhase;
    /// use schedule_core::Hyperparameters;
    ///
    /// let phase =
    ///     ConstantPhase::new(Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 })?;
    /// let from_zero_buffer = phase.settled_ln_difference(0.0).unwrap();
    /// assert!((from_zero_buffer + 0.0091).abs() < 1e-4);
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    #[must_use]
    pub fn settled_ln_difference(&self, buffer_coefficient: f64) -> Option<f64> {
        let Hyperparameters {
            learning_rate,
            momentum,
            ..
        } = self.hyperparameters;
        let excess = buffer_coefficient - self.stationary_buffer_coefficient;
        let numerator = momentum * learning_rate * excess;
        if numerator == 0.0 {
            return Some(0.0);
        }
        let difference = -2.0 * (-numerator / self.root_gap).ln_1p();
        difference.is_finite().then_some(difference)
    }

    /// The momentum which both runs must use at the first step of this phase, instead of its own,
    /// for TEXP to be exact: `γ κ*/κ*_previous`, and `γ` where neither phase has weight decay.
    ///
    /// `None` where there is none in `[0, 1)`.
    ///
    /// ```
    /// use schedule_core::law::exact::ConstantPhase;
    /// use schedule_core::Hyperparameters;
    ///
    /// let phase = |weight_decay| {
    ///     ConstantPhase::new(Hyperparameters { learning_rate: 0.1, weight_decay, momentum: 0.9 })
    /// };
    /// let (free, decayed) = (phase(0.0)?, phase(5e-4)?);
    /// assert_eq!(free.boundary_momentum(&free), Some(0.9));
    /// assert_eq!(free.boundary_momentum(&decayed), Some(0.0));
    /// assert_eq!(decayed.boundary_momentum(&free), None);
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    #[must_use]
    pub fn boundary_momentum(&self, previous: &Self) -> Option<f64> {
        let momentum = self.hyperparameters.momentum;
        let (old, new) = (
            previous.stationary_buffer_coefficient,
            self.stationary_buffer_coefficient,
        );
        // The buffer still holds κ*_old of the parameters, and d must be the new phase's λ + γκ*_new.
        let wanted = momentum * new;
        let corrected = if new == old {
            momentum // also where both are 0, and the quotient is not a number
        } else if wanted == 0.0 {
            0.0
        } else {
            wanted / old
        };
        (0.0..1.0).contains(&corrected).then_some(corrected)
    }
}
