//! What a scale-invariant network tends to under constant hyperparameters.

use crate::ConstantPhase;

/// The equilibrium of weight decay and gradients on a scale-invariant loss, for constant `η, λ, γ`.
///
/// Gradients are orthogonal to the parameters and make `‖θ‖` grow, weight decay makes it shrink. With
/// `σ² = E‖∇L‖²‖θ‖²`, the mean square of the gradient on the unit sphere, constant and its gradients
/// uncorrelated from step to step, `W = ‖θ‖²` follows, to first order in `λη`,
/// ```text
/// dW/dt = −2ηλ/(1−γ)·W + (η/(1−γ))²·σ²/W        d(W²)/dt = −4ηλ/(1−γ)·(W² − W∞²)
/// W∞² = ησ²/(2λ(1−γ))
/// ```
/// The second term: without decay, `‖θ_{t+1}‖² = ‖θ_t‖² − 2η⟨θ_t, b_{t+1}⟩ + η²‖b_{t+1}‖²`. The last is
/// `η²g²/(1−γ²)` on average, `g² = σ²/W`; and an old gradient is no longer orthogonal to the
/// parameters that it has moved, `⟨θ_t, g_{t−j}⟩ = −ηg²(1−γʲ)/(1−γ)`, so the middle one is
/// `2η²g²γ/((1−γ)²(1+γ))`. The sum is `(η/(1−γ))²g²`, as if each gradient were applied at once.
///
/// Sources: the effective rate `η/‖θ‖²` and its equilibrium, Li, Lyu & Arora 2020 (arXiv:2010.02916); the
/// rotation `√(2ηλ/(1+γ))`, Wan et al. 2021 (arXiv:2006.08419) and Kosson et al. 2023
/// (arXiv:2305.17212). Time constants and counts of steps: texp.
///
/// Where nothing decays, `λη = 0`, the time constants are infinite, and the equilibrium is the limit for
/// `λ → 0`.
///
/// ```
/// use schedule_core::{ConstantPhase, Equilibrium, Hyperparameters};
///
/// let phase =
///     ConstantPhase::new(Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 })?;
/// let equilibrium = Equilibrium::new(phase);
/// assert!((equilibrium.fourth_power_time_constant() - 500.0).abs() < 1e-9);
/// assert!((equilibrium.rotation_per_step().to_degrees() - 0.4157).abs() < 1e-4);
/// # Ok::<(), schedule_core::LawError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equilibrium {
    phase: ConstantPhase,
}

impl Equilibrium {
    /// Of a phase.
    #[must_use]
    pub fn new(phase: ConstantPhase) -> Self {
        Self { phase }
    }

    /// The phase.
    #[must_use]
    pub fn phase(&self) -> &ConstantPhase {
        &self.phase
    }

    /// The steps in which the distance of `‖θ‖⁴` from its equilibrium falls by a factor of e,
    /// `(1−γ)/(4ηλ)`.
    #[must_use]
    pub fn fourth_power_time_constant(&self) -> f64 {
        (1.0 - self.phase.hyperparameters().momentum) / (4.0 * self.intrinsic_rate())
    }

    /// The same for `‖θ‖²` without gradients, `(1−γ)/(2ηλ)`. Near the equilibrium it follows `‖θ‖⁴`.
    #[must_use]
    pub fn square_time_constant(&self) -> f64 {
        2.0 * self.fourth_power_time_constant()
    }

    /// `‖θ‖²` in equilibrium, `√(ησ²/(2λ(1−γ)))`, from `σ = gradient_noise`, the root of the mean square
    /// of `‖∇L‖‖θ‖`; infinite for `λ = 0`.
    #[must_use]
    pub fn squared_norm(&self, gradient_noise: f64) -> f64 {
        let with = self.phase.hyperparameters();
        let ratio = with.learning_rate / (2.0 * with.weight_decay * (1.0 - with.momentum));
        gradient_noise * ratio.sqrt()
    }

    /// `η/‖θ‖²` in equilibrium, `√(2ηλ(1−γ))/σ`: the rate at which the direction moves.
    ///
    /// Only the product `ηλ` matters, the intrinsic learning rate of Li, Lyu & Arora.
    #[must_use]
    pub fn effective_learning_rate(&self, gradient_noise: f64) -> f64 {
        let momentum = self.phase.hyperparameters().momentum;
        (2.0 * self.intrinsic_rate() * (1.0 - momentum)).sqrt() / gradient_noise
    }

    /// The angle in radians by which the direction turns in a step, `√(2ηλ/(1+γ))`, root mean square:
    /// `η‖b‖/‖θ‖` with `‖b‖² = σ²/(W(1−γ²))`. It does not depend on the gradient.
    #[must_use]
    pub fn rotation_per_step(&self) -> f64 {
        let momentum = self.phase.hyperparameters().momentum;
        (2.0 * self.intrinsic_rate() / (1.0 + momentum)).sqrt()
    }

    /// The angle in radians by which the direction has turned after many steps is `√n` times this,
    /// `√(2ηλ/(1−γ))`: the steps of a momentum buffer are correlated.
    #[must_use]
    pub fn diffusion_per_step(&self) -> f64 {
        let momentum = self.phase.hyperparameters().momentum;
        (2.0 * self.intrinsic_rate() / (1.0 - momentum)).sqrt()
    }

    /// What the equivalent learning rate without weight decay grows by in `steps`, `α^{−2n}`; in
    /// equilibrium `‖θ̃‖²` grows by as much. With the steps of an epoch: per epoch.
    ///
    /// ```
    /// # use schedule_core::{ConstantPhase, Equilibrium, Hyperparameters};
    /// # let standard = Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 };
    /// let equilibrium = Equilibrium::new(ConstantPhase::new(standard)?);
    /// assert!((equilibrium.growth_in(391) - 1.48123).abs() < 1e-5);
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    #[must_use]
    pub fn growth_in(&self, steps: u64) -> f64 {
        (steps as f64 * self.phase.ln_growth()).exp()
    }

    /// The steps in which the growth makes up for a factor: `ln factor/(−2 ln α)`.
    ///
    /// A schedule that omits the drop of the rate (TEXP−− of Li & Arora) waits for the norm to grow by
    /// the missing factor instead: 59 epochs after the first drop of their recipe, and 589 after the
    /// second, of which the run has 80.
    ///
    /// ```
    /// # use schedule_core::{ConstantPhase, Equilibrium, Hyperparameters};
    /// let after_second_drop = Hyperparameters { learning_rate: 1e-3, weight_decay: 5e-4, momentum: 0.9 };
    /// let equilibrium = Equilibrium::new(ConstantPhase::new(after_second_drop)?);
    /// assert_eq!((equilibrium.steps_to_grow_by(10.0) / 391.0).round(), 589.0);
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    #[must_use]
    pub fn steps_to_grow_by(&self, factor: f64) -> f64 {
        factor.ln() / self.phase.ln_growth()
    }

    /// The steps after which `‖θ‖²` is within a relative `tolerance` of its equilibrium, from `start`
    /// times it: from `W² = W∞²(1 + (start² − 1) e^{−t/τ})`. 0 if it is from the start.
    ///
    /// ```
    /// # use schedule_core::{ConstantPhase, Equilibrium, Hyperparameters};
    /// // After the rate, or the decay, falls by 10, the old equilibrium is at √0.1 or √10 of the new.
    /// let with = Hyperparameters { learning_rate: 0.01, weight_decay: 5e-4, momentum: 0.9 };
    /// let equilibrium = Equilibrium::new(ConstantPhase::new(with)?);
    /// let epochs = equilibrium.steps_to_equilibrium(0.1f64.sqrt(), 2e-3) / 391.0;
    /// assert_eq!(epochs.round(), 69.0);
    /// # Ok::<(), schedule_core::LawError>(())
    /// ```
    #[must_use]
    pub fn steps_to_equilibrium(&self, start: f64, tolerance: f64) -> f64 {
        let distance = (start * start - 1.0).abs();
        // From above W is within the tolerance at 1 + tolerance, from below at 1 − tolerance.
        let side = if start > 1.0 { tolerance } else { -tolerance };
        let allowed = (side * (2.0 + side)).abs();
        if distance <= allowed {
            return 0.0;
        }
        self.fourth_power_time_constant() * (distance / allowed).ln()
    }

    /// `ηλ`, the intrinsic learning rate.
    fn intrinsic_rate(&self) -> f64 {
        let with = self.phase.hyperparameters();
        with.learning_rate * with.weight_decay
    }
}
