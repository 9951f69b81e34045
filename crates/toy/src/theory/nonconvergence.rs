//! The theorem that weight decay and normalisation together do not converge.

/// The nonconvergence theorem of Li & Arora (arXiv:1910.07454), as it is remembered here: from any step `T_0` on, with
/// probability `1 − δ`, the error exceeds `ε/π` at least once in the next
/// ```text
/// ln(64‖w‖² ε√B/(η√(m−2)))/(2(ηλ − 2ε²)) + 9 ln(1/δ)      steps, for 2ε² < ηλ and w the weights at T_0
/// ```
/// # Proof, and what it needs
///
/// It holds for [`Logit::UnitNorm`](crate::Logit::UnitNorm), `m ≥ 3`, any `B ≥ 1` and `ηλ ≤ ½`, if the logarithm is read as 0 where it is negative.
///
/// *Shrinking.* Gradients are orthogonal to `w`. While the angle is at most `ε`, a step turns `w` by at most `2ε`, so
/// ```text
/// ‖w_{t+1}‖²/‖w_t‖² = (1−ηλ)²/cos²(turn) ≤ ((1−ηλ)/cos 2ε)² ≤ e^{−2(ηλ−2ε²)}
/// ```
/// The last: `ln(1−k) ≤ −k − k²/2`, and `−ln cos y ≤ y²/2 + y⁴/8` for `y ≤ 1`, at `k = ηλ`, `y = 2ε`, `y² < 2k`. This holds for any
/// scale-invariant loss, and surely, not with some probability.
///
/// *Kicking.* After the first term's steps `‖w‖² ≤ η√(m−2)/(64ε√B)`, and no more from then on. A step then turns `w` by more than `2ε`,
/// and so leaves the cone, if the gradient on the unit sphere is longer than `tan(2ε)√(m−2)/(64ε√B)`, for which
/// `0.049√((m−2)/B)` is enough (`2ε ≤ 1`). The coordinates of the inputs orthogonal to `w` and `e_1` are independent of
/// slopes and labels, so it is at least `√(S/B)·χ`, with `S = mean(σ(−|z_b|)²) ≤ mean(g_b²)` and `χ²` of `m−2` degrees of freedom and
/// independent of `S`. `P(χ² ≥ 0.1(m−2)) ≥ 0.75` for all `m ≥ 3`, and since `E[S] = 0.1185` and `S ≤ ¼`,
/// `P(S ≥ 0.0237) ≥ (0.1185 − 0.0237)/(0.25 − 0.0237) ≥ 0.41`. So every step leaves with probability `p ≥ 0.3`, whatever came
/// before; `n` steps fail to with at most `(1 − p)^n ≤ δ` for `n ≥ 2.8 ln(1/δ)`. The 9 is generous, and has room for the
/// rounding up of both terms if `δ ≤ 0.7`.
///
/// *Where it says nothing or is not so.* For `m = 2` and for batches without end it is infinite: without noise, weights on the
/// axis stay on it. As stated, the first term is negative for weights so short that the logarithm is, which would promise
/// an error before the first step. And under batch normalisation proper, [`Logit::BatchNorm`](crate::Logit::BatchNorm), it is *false for two samples*: their
/// logits are 1 and −1 whatever `w` is, the gradient is 0, and the angle never changes. From three samples on simulations agree with it.
///
/// The condition `2ε² < ηλ` is sharp: the population's two-cycle has `2θ² = ηλ` to first order, and stays there.
///
/// ```
/// use toy::theory::Nonconvergence;
///
/// let theorem = Nonconvergence { intrinsic_rate: 1e-3, epsilon: 0.01, dimension: 10, batch_size: 64.0, delta: 0.05 };
/// let steps = theorem.bound(0.1, 1.0).unwrap();
/// assert_eq!(steps.round(), 1837.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nonconvergence {
    /// `ηλ`.
    pub intrinsic_rate: f64,
    /// `ε`, the angle to be exceeded, in radians.
    pub epsilon: f64,
    /// `m`.
    pub dimension: usize,
    /// `B`.
    pub batch_size: f64,
    /// `δ`, the probability that it takes longer.
    pub delta: f64,
}

impl Nonconvergence {
    /// The steps within which the angle exceeds `ε` with probability `1 − δ`, for a rate `η` and a squared norm of the
    /// weights at the start; the logarithm is read as 0 where it is negative.
    ///
    /// `None` where the theorem says nothing: `2ε² ≥ ηλ`, `m < 3`, batches without end, or numbers that are not positive.
    #[must_use]
    pub fn bound(&self, learning_rate: f64, norm_squared: f64) -> Option<f64> {
        let gap = self.intrinsic_rate - 2.0 * self.epsilon * self.epsilon;
        let others = self.dimension.checked_sub(2).filter(|&others| others > 0)? as f64;
        let shrink = 64.0 * norm_squared * self.epsilon * self.batch_size.sqrt()
            / (learning_rate * others.sqrt());
        let steps = shrink.ln().max(0.0) / (2.0 * gap) - 9.0 * self.delta.ln();
        let allowed = gap > 0.0 && shrink > 0.0 && self.delta > 0.0 && self.delta <= 1.0;
        (allowed && steps.is_finite()).then_some(steps)
    }
}
