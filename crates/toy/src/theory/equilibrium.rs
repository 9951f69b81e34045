//! Normalisation with weight decay: norm and angle to which a run tends.

use crate::Logit;
use crate::theory::{HESSIAN, NOISE_BATCH_NORM, NOISE_UNIT_NORM};

/// The stationary state of SGD under normalisation and weight decay, at any batch size, for small angles.
///
/// Near the axis, the `m − 1` coordinates `v` of the direction off it follow
/// ```text
/// v ← (1 − x)v + (x/h) σ/√B · N(0, I)        x = ηh/‖w‖²        E‖v‖² = (m−1)σ²x/(B h²(2−x))
/// ```
/// and the norm stays if turning makes it grow as decay makes it shrink, `(x/h)²E‖g‖² = 2ηλ`, with
/// `E‖g‖² = h²E‖v‖² + (m−1)σ²/B`, the square of the gradient on the unit sphere. Both together:
/// ```text
/// x²/(2 − x) = ρ,   ρ = ηλ h²B/((m−1)σ²)        θ_rms² = ηλ/x,   x = (√(ρ² + 8ρ) − ρ)/2
/// ρ → 0, finite batches:   θ_rms² = √((m−1)σ²ηλ/(2h²B))     the error falls as (ηλ)^¼ and as B^(−¼)
/// ρ → ∞, large batches:    θ_rms² = ηλ/2                    it falls as √(ηλ), and with B no more
/// ```
/// `σ²` is [`NOISE_BATCH_NORM`] under batch normalisation. In between, `x` is taken as if it were constant; where it nears 2 it
/// swings (see [`Population`](crate::Population)), so from `ρ ≈ 1` on this is an estimate. The limits hold: the second by
/// the balance of the norm alone, for angles that hardly vary in size. Simulated at `m = 10` and `ρ` from 3e-5 to 90, `θ_rms` is within
/// 2 % of it for batches of 8 and more, and within 4 % at the largest angle (0.21, batches of 16); at batches of 4, whose noise is another, it is
/// 21 % above it. New here, but for the limits.
///
/// ```
/// use toy::Logit;
/// use toy::theory::Equilibrium;
///
/// let of_batch = |size| Equilibrium::new(Logit::UnitNorm, 10, size, 1e-4);
/// let finite = (9.0 * 0.1185 * 1e-4 / (2.0 * 0.15915 * 16.0f64)).powf(0.25);
/// assert!((of_batch(16.0).rms_angle() / finite - 1.0).abs() < 0.02);
/// assert!((of_batch(1e9).rms_angle() / (1e-4f64 / 2.0).sqrt() - 1.0).abs() < 1e-3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equilibrium {
    intrinsic_rate: f64,
    rate_times_curvature: f64,
}

impl Equilibrium {
    /// For dimension `m ≥ 2`, batch size `B`, which may be infinite, and intrinsic rate `ηλ`.
    ///
    /// There is none for [`Logit::Linear`], for which the answer is that of [`Logit::UnitNorm`]: see
    /// [`DecayAlone`](crate::theory::DecayAlone).
    #[must_use]
    pub fn new(logit: Logit, dimension: usize, batch_size: f64, intrinsic_rate: f64) -> Self {
        let noise = noise(logit);
        let others = dimension.saturating_sub(1) as f64;
        let ratio = intrinsic_rate * HESSIAN * HESSIAN * batch_size / (others * noise);
        // (√(ρ² + 8ρ) − ρ)/2, without the difference.
        let rate_times_curvature = 4.0 / (1.0 + (1.0 + 8.0 / ratio).sqrt());
        Self {
            intrinsic_rate,
            rate_times_curvature,
        }
    }

    /// `x = ηh/‖w‖²`: the share of the angle that a step without noise takes off; beyond 2 it makes it grow.
    #[must_use]
    pub fn rate_times_curvature(&self) -> f64 {
        self.rate_times_curvature
    }

    /// `‖w‖²` at a learning rate.
    #[must_use]
    pub fn norm_squared(&self, learning_rate: f64) -> f64 {
        learning_rate * HESSIAN / self.rate_times_curvature
    }

    /// `θ_rms`, the root mean square of the angle between weights and axis, in radians.
    #[must_use]
    pub fn rms_angle(&self) -> f64 {
        (self.intrinsic_rate / self.rate_times_curvature).sqrt()
    }
}

/// `σ²`, the variance of a sample's gradient in a direction off the axis.
pub(super) fn noise(logit: Logit) -> f64 {
    match logit {
        Logit::BatchNorm => NOISE_BATCH_NORM,
        Logit::UnitNorm | Logit::Linear => NOISE_UNIT_NORM,
    }
}

/// `E‖v‖/√(E‖v‖²)` for `v ~ N(0, I_n)`: from the root mean square of an angle to its mean, where noise rules and
/// `n = m − 1`.
///
/// ```
/// use toy::theory::mean_over_rms;
///
/// assert!((mean_over_rms(1) - (2.0 / std::f64::consts::PI).sqrt()).abs() < 1e-15);
/// assert!((mean_over_rms(2) - (std::f64::consts::PI / 4.0).sqrt()).abs() < 1e-15);
/// ```
#[must_use]
pub fn mean_over_rms(dimensions: usize) -> f64 {
    // E χ_n E χ_{n+1} = n.
    let first = (2.0 / std::f64::consts::PI).sqrt();
    let mean = (1..dimensions).fold(first, |mean, n| n as f64 / mean);
    mean / (dimensions.max(1) as f64).sqrt()
}
