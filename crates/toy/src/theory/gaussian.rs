//! Expectations over a standard Gaussian, and the constants of the toy that are such.

/// `h = φ(0) = 1/√(2π)`: the curvature of the expected loss about the axis, `L(θ) = L(0) + h(1 − cos θ)`, exactly so
/// under normalisation (see [`Population`](crate::Population)). Per radian squared.
pub const HESSIAN: f64 = 0.398_942_280_401_432_7;

/// The variance of a sample's gradient in a direction off the axis, at `θ = 0` and `‖w‖ = 1`, where logits are divided
/// by `‖w‖`: `σ² = E[g²] = E[σ(−|z|)²]`, `z ~ N(0, 1)`.
pub const NOISE_UNIT_NORM: f64 = 0.118_522_210_591_117;

/// The same under batch normalisation: `σ² = E[g²] − E[g z]²`, with `E[g z] = E[σ'(z)] − h`.
///
/// The gradient of a batch is that of the residual of the slopes `g` after a regression on the logits: a step cannot
/// scale all logits, so noise that would does nothing. That is less than [`NOISE_UNIT_NORM`], by a third, however large the batch.
pub const NOISE_BATCH_NORM: f64 = 0.081_534_721_903_321;

/// `E[f(z)]`, `z ~ N(0, 1)`, for an `f` that varies over lengths of `width` or more, is smooth but for 0, and grows slower than a
/// Gaussian falls.
///
/// Simpson's rule on `[0, 12]` for `f(z) + f(−z)`, with 100 steps a `width`: right to about 1e-10 of the largest `f`.
///
/// ```
/// use toy::theory::expectation;
///
/// assert!((expectation(1.0, |z| z.powi(4)) - 3.0).abs() < 1e-9);
/// assert!((expectation(1.0, f64::abs) - (2.0 / std::f64::consts::PI).sqrt()).abs() < 1e-9);
/// ```
#[must_use]
pub fn expectation(width: f64, f: impl Fn(f64) -> f64) -> f64 {
    let pairs = (12.0 * 50.0 / width.clamp(1e-4, 1.0)).ceil() as u64;
    let size = 6.0 / pairs as f64;
    let both = |index: u64| {
        let z = index as f64 * size;
        HESSIAN * (-0.5 * z * z).exp() * (f(z) + f(-z))
    };
    let pair = |index| both(2 * index) + 4.0 * both(2 * index + 1) + both(2 * index + 2);
    (0..pairs).map(pair).sum::<f64>() * size / 3.0
}

/// `σ(z) = 1/(1 + e^{−z})`.
pub(super) fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_their_expectations() {
        let unit = expectation(1.0, |z| logistic(-z.abs()).powi(2));
        let along = expectation(1.0, |z| logistic(z) * logistic(-z)) - HESSIAN;
        assert!((HESSIAN - 1.0 / (2.0 * std::f64::consts::PI).sqrt()).abs() < 1e-16);
        assert!((unit - NOISE_UNIT_NORM).abs() < 1e-10, "{unit}");
        let residual = NOISE_UNIT_NORM - along * along;
        assert!((residual - NOISE_BATCH_NORM).abs() < 1e-10, "{along}");
    }
}
