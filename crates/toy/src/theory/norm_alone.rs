//! Normalisation without weight decay: how slowly a run converges.

use super::equilibrium::noise;
use crate::Logit;
use crate::theory::HESSIAN;

/// The root mean square of the angle after `step` steps without weight decay, in radians, from weights of
/// this squared norm.
///
/// Nothing shrinks the norm, and noise, at right angles to the weights, makes it grow:
/// ```text
/// d‖w‖²/dt = η²(m−1)σ²/(B‖w‖²)      ‖w_t‖⁴ = ‖w_0‖⁴ + 2η²(m−1)σ²t/B
/// ```
/// The angle follows the rate `η/‖w_t‖²`, which falls slower than the angle relaxes, so it is that of
/// [`Equilibrium`](crate::theory::Equilibrium) at this rate; in the end
/// ```text
/// θ_rms² = ((m−1)σ²/(8h²Bt))^½        the error falls as t^(−¼), whatever the learning rate
/// ```
/// New here. It holds once the start is forgotten, after some `1/x` steps, `x = ηh/‖w_t‖²`.
///
/// ```
/// use toy::Logit;
/// use toy::theory::norm_alone;
///
/// let at = |step, rate| norm_alone(Logit::BatchNorm, 10, 16.0, rate, 1.0, step);
/// assert!((at(1e8, 1.0) / at(1e12, 1.0) - 10.0).abs() < 0.01);
/// assert!((at(1e9, 1.0) / at(1e9, 10.0) - 1.0).abs() < 0.01);
/// ```
#[must_use]
pub fn norm_alone(
    logit: Logit,
    dimension: usize,
    batch_size: f64,
    learning_rate: f64,
    initial_norm_squared: f64,
    step: f64,
) -> f64 {
    let noise = dimension.saturating_sub(1) as f64 * noise(logit) / batch_size;
    let growth = 2.0 * learning_rate * learning_rate * noise * step;
    let norm_squared = (initial_norm_squared * initial_norm_squared + growth).sqrt();
    let x = learning_rate * HESSIAN / norm_squared;
    (noise * x / (HESSIAN * HESSIAN * (2.0 - x))).sqrt()
}
