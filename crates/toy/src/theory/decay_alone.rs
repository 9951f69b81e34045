//! Weight decay without normalisation: where a run ends, and its noise there.

use super::gaussian::{expectation, logistic};
use crate::theory::HESSIAN;

/// The stationary state of SGD with weight decay on [`Logit::Linear`](crate::Logit::Linear).
///
/// The expected loss with decay is strictly convex, and its gradient (derived at [`Population`](crate::Population)) is
/// ```text
/// (E[σ'(⟨w, x⟩)] + λ)w − h e_1
/// ```
/// so it has its minimum at `w* = s e_1`, on the axis, where `s(E[σ'(sz)] + λ) = h`: without noise the error vanishes. Off the axis
/// the curvature is `h/s`, and with a gradient noise of variance `σ²(s) = E[σ(−s|z|)²]` a coordinate
/// ```text
/// θ_rms² = (m−1) ησ²(s)/(B s² (h/s)(2 − ηh/s))
/// ```
/// and the error's floor falls as `B^(−½)`: with large batches it is as low as one likes, at any learning rate below `2s/h`.
/// The constant is new here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecayAlone {
    norm: f64,
    noise: f64,
}

impl DecayAlone {
    /// For a weight decay `λ > 0`.
    #[must_use]
    pub fn new(weight_decay: f64) -> Self {
        let curvature = |s: f64| expectation(1.0 / s, |z| logistic(s * z) * logistic(-s * z));
        let excess = |s: f64| s * (curvature(s) + weight_decay) - HESSIAN;
        // `s E[σ'(sz)]` grows with s, from 0 towards h, and reaches neither.
        let (mut low, mut high) = (0.0, HESSIAN / weight_decay);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if excess(middle) < 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Self {
            norm: high,
            noise: expectation(1.0 / high, |z| logistic(-high * z.abs()).powi(2)),
        }
    }

    /// `s`, the length of the weights at the minimum.
    #[must_use]
    pub fn norm(&self) -> f64 {
        self.norm
    }

    /// The root mean square of the angle between weights and axis, in radians.
    ///
    /// ```
    /// use toy::theory::DecayAlone;
    ///
    /// let floor = |batch_size| DecayAlone::new(0.01).rms_angle(10, batch_size, 0.1);
    /// assert!((floor(64.0) / floor(6400.0) - 10.0).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn rms_angle(&self, dimension: usize, batch_size: f64, learning_rate: f64) -> f64 {
        let curvature = HESSIAN / self.norm;
        let others = dimension.saturating_sub(1) as f64;
        let variance = others * learning_rate * self.noise
            / (batch_size * curvature * (2.0 - learning_rate * curvature));
        variance.sqrt() / self.norm
    }

    /// The steps in which a distance from the minimum falls by a factor of e, off the axis: `s/(ηh)`. Along it, it takes longer, at most `1/(ηλ)`.
    #[must_use]
    pub fn relaxation(&self, learning_rate: f64) -> f64 {
        self.norm / (learning_rate * HESSIAN)
    }
}
