//! Batches without end: the noise-free dynamics, in closed form.

use crate::Direction;
use crate::theory::HESSIAN;

/// Gradient descent on the expected loss under normalisation, with weight decay: what SGD tends to as its batches grow.
///
/// # Derivation
///
/// `∂ℓ/∂z = σ(z) − [y = 1]` is a function of the logit and a function of the label. With `x ~ N(0, I_m)`, `y = sign(x_1)`
/// and any `v`, Stein's identity for the first and `E[x; x_1 > 0] = h e_1`, `h = φ(0) = 1/√(2π)`, for the second give
/// ```text
/// E[(σ(⟨v, x⟩) − [y = 1]) x] = E[σ'(⟨v, x⟩)] v − h e_1
/// ```
/// which is the gradient for [`Logit::Linear`](crate::Logit::Linear) at `v = w`. Under normalisation `v = u = w/‖w‖`, and what is along `u` is taken off:
/// ```text
/// ∇L(w) = −(h/‖w‖)(e_1 − cos θ u)        L(w) = L(e_1) + h (1 − cos θ)
/// ```
/// exactly, at any angle: the loss is linear in the cosine. So `w` stays in the plane of `w` and `e_1`, and a step is
/// ```text
/// w_1   ← w_1   (1 − ηλ + x sin²θ/cos θ)
/// ‖w_⊥‖ ← ‖w_⊥‖ (1 − ηλ − x cos θ)            x = ηh/‖w‖²
/// ```
/// with a sign that `‖w_⊥‖` loses: while `x > 2` near the axis, weights jump across it, further out every time.
///
/// `‖w_⊥‖` is kept as a logarithm, since it comes to e^{−1000} and less between two bursts, and then is what
/// decides when the next one comes.
///
/// ```
/// use toy::Population;
///
/// let mut run = Population::new(1.0, 0.5);
/// for _ in 0..1000 {
///     run.step(0.5, 0.0); // without decay the norm settles, and the angle vanishes exponentially
/// }
/// assert!(run.ln_off() < -100.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Population {
    along: f64,
    /// `ln ‖w_⊥‖`.
    ln_off: f64,
}

impl Population {
    /// From `w_1` and `‖w_⊥‖`.
    #[must_use]
    pub fn new(along: f64, off: f64) -> Self {
        Self {
            along,
            ln_off: off.ln(),
        }
    }

    /// One step at a rate and a weight decay.
    pub fn step(&mut self, learning_rate: f64, weight_decay: f64) {
        let Direction { along, off } = self.direction();
        let norm_squared = self.direction().norm_squared();
        let effective = learning_rate * HESSIAN / norm_squared;
        let keep = 1.0 - learning_rate * weight_decay;
        let norm = norm_squared.sqrt();
        let (cos, sin) = (along / norm, off / norm);
        self.along = keep * along + effective * norm * sin * sin;
        self.ln_off += (keep - effective * cos).abs().ln();
    }

    /// `ln ‖w_⊥‖`.
    #[must_use]
    pub fn ln_off(&self) -> f64 {
        self.ln_off
    }

    /// Where the weights point.
    #[must_use]
    pub fn direction(&self) -> Direction {
        Direction {
            along: self.along,
            off: self.ln_off.exp(),
        }
    }

    /// The two-cycle `(θ, ‖w‖²)` on which weights jump from one side of the axis to the other and keep their norm:
    /// ```text
    /// cos 2θ = 1 − ηλ        ‖w‖² = ηh/(2 cos θ)
    /// ```
    /// A step turns weights by `2θ` at right angles, so the norm stays if `(1 − ηλ)/cos 2θ = 1`; and it turns them by
    /// that if `tan 2θ = x sin θ/(1 − ηλ)`. For small `ηλ`, `θ = √(ηλ/2)`.
    ///
    /// It repels. In `(θ, ln ‖w‖²)`, the sides exchanged, one step about it has, with `C = 1 − ηλ`, the determinant
    /// `1 + C(1 − C) > 1` and the trace `3C² + C − 2`, so a run spirals away from it by a factor of e in about `2/(ηλ)` steps:
    /// at leading order angle and norm are prey and predator, whose swings have any size, and this makes them grow. In simulations, `ηλ`
    /// from 1e-6 to 0.01, they end as bursts once in about `1.6/(ηλ)` steps, between which the angle vanishes: its root mean square
    /// is `1.13 √(ηλ/2)`, since the norm, which only turning makes grow, must not vanish, and the mean error about `0.39 ηλ`, far below `√(ηλ/2)/π`.
    ///
    /// ```
    /// use toy::Population;
    ///
    /// let (angle, norm_squared) = Population::two_cycle(0.1, 0.05);
    /// let norm = norm_squared.sqrt();
    /// let mut run = Population::new(norm * angle.cos(), norm * angle.sin());
    /// run.step(0.1, 0.05);
    /// assert!((run.direction().angle() - angle).abs() < 1e-14);
    /// assert!((run.direction().norm_squared() - norm_squared).abs() < 1e-14);
    /// ```
    #[must_use]
    pub fn two_cycle(learning_rate: f64, weight_decay: f64) -> (f64, f64) {
        let angle = 0.5 * (1.0 - learning_rate * weight_decay).acos();
        (angle, learning_rate * HESSIAN / (2.0 * angle.cos()))
    }
}
