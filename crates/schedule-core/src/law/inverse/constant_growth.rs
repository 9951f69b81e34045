//! The inverse of a learning rate that grows by a constant factor.

use super::{InverseError, WithoutDecay, per_rate};
use crate::Hyperparameters;
use crate::recurrence::stationary_decay_product;

/// Which root of `x² − (1 + γ − λη)x + γ = 0` a growth belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// `α ≥ √γ`, the growth `ρ ≤ 1/γ`: the exact law returns to this growth from any buffer near
    /// `b̃_0`, at the double root `ρ = 1/γ` only from those with a smaller `κ`.
    Larger,
    /// `α < √γ`: the growth holds from exactly this buffer, and any deviation from it grows.
    Smaller,
}

/// The constant rate and weight decay whose run without weight decay has an exponential learning rate.
///
/// For `η̃_t = η̃_0 ρ^t`, momentum `γ` and `L = ln ρ`, `0 < L < −2 ln γ`:
/// ```text
/// η = η̃_0 ρ^{−1/2}    λη = (1 − α)(1 − γ/α) = −expm1(−L/2)·(1 − γ e^{L/2})    α = ρ^{−1/2}
/// κ* = (1/α − 1)/η    b_0 = b̃_0 + κ* θ_0
/// ```
/// From this buffer it is exact, from an equal one only approximate. It is the inverse of
/// [`ConstantPhase`](crate::law::exact::ConstantPhase), the theorem of Li & Arora (arXiv:1910.07454) read backwards.
///
/// ```
/// use schedule_core::law::exact::ConstantPhase;
/// use schedule_core::law::inverse::{ConstantGrowth, Root, WithoutDecay};
/// use schedule_core::Hyperparameters;
///
/// let sgd = Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 };
/// let phase = ConstantPhase::new(sgd)?;
/// let initial = WithoutDecay { ln_learning_rate: 0.1f64.ln() - phase.ln_root(), momentum: 0.9 };
/// let back = ConstantGrowth::new(initial, phase.ln_growth())?;
/// assert!((back.hyperparameters().weight_decay - 5e-4).abs() < 1e-16);
/// assert_eq!(back.root(), Root::Larger);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantGrowth {
    ln_learning_rate: f64,
    decay_product: f64,
    momentum: f64,
    /// `κ*η = 1/α − 1`.
    held: f64,
    root: Root,
}

impl ConstantGrowth {
    /// The inverse of a run that starts with `initial` and whose `ln η̃` grows by `ln_growth` a step.
    ///
    /// # Errors
    /// [`InverseError::GrowthOutOfRange`] with the limits; [`InverseError::Hyperparameters`] for an
    /// invalid momentum, [`InverseError::NotFinite`] for an invalid rate, [`InverseError::Overflow`]
    /// where `1/α` leaves float64.
    pub fn new(initial: WithoutDecay, ln_growth: f64) -> Result<Self, InverseError> {
        initial.validate(0)?;
        let WithoutDecay {
            ln_learning_rate,
            momentum,
        } = initial;
        let ln_root = -0.5 * ln_growth;
        if !ln_learning_rate.is_finite() {
            return Err(InverseError::NotFinite {
                step: 0,
                ln_learning_rate,
                ln_shrink: ln_root,
            });
        }
        let out_of_range = InverseError::GrowthOutOfRange {
            ln_growth,
            momentum,
            limit: -2.0 * momentum.ln(),
        };
        if !(ln_growth.is_finite() && ln_growth > 0.0) {
            return Err(out_of_range);
        }
        let held = (-ln_root).exp_m1();
        if momentum == 0.0 && !held.is_finite() {
            return Err(InverseError::Overflow {
                step: 0,
                ln_learning_rate,
                momentum,
                ln_shrink: ln_root,
                previous_ln_rate: ln_learning_rate,
                held,
            });
        }
        let decay_product = stationary_decay_product(momentum, held);
        // Not a number where 1/α has left float64, which is far above a limit that momentum sets.
        if decay_product.is_nan() || decay_product <= 0.0 {
            return Err(out_of_range);
        }
        Ok(Self {
            ln_learning_rate: ln_learning_rate + ln_root,
            decay_product,
            momentum,
            held,
            root: if ln_growth <= -momentum.ln() {
                Root::Larger
            } else {
                Root::Smaller
            },
        })
    }

    /// `ln η`.
    #[must_use]
    pub fn ln_learning_rate(&self) -> f64 {
        self.ln_learning_rate
    }

    /// `ηλ`, finite also where its factors are not.
    #[must_use]
    pub fn decay_product(&self) -> f64 {
        self.decay_product
    }

    /// `η, λ, γ`; `η` or `λ` is infinite or 0 where it leaves float64.
    #[must_use]
    pub fn hyperparameters(&self) -> Hyperparameters {
        Hyperparameters {
            learning_rate: self.ln_learning_rate.exp(),
            weight_decay: per_rate(self.decay_product, self.ln_learning_rate),
            momentum: self.momentum,
        }
    }

    /// `κ* = (1/α − 1)/η`, with `b_0 = b̃_0 + κ* θ_0`; infinite where it leaves float64.
    #[must_use]
    pub fn buffer_coefficient(&self) -> f64 {
        per_rate(self.held, self.ln_learning_rate)
    }

    /// Whether the growth is that of the stable root.
    #[must_use]
    pub fn root(&self) -> Root {
        self.root
    }
}
