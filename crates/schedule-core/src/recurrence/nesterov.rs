//! Nesterov's look-ahead with coupled weight decay.

use crate::field::Field;
use crate::optimiser::NesterovHyperparameters;

/// How much one step of weight decay shrinks the parameters under a look-ahead; made by [`nesterov`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nesterov<F> {
    /// `a_t − 1 = −η(λ + νd)`.
    pub shrink_minus_one: F,
    /// `a_t = A_{t+1}/A_t`.
    pub shrink: F,
    /// `κ_t = d/a_t`.
    pub buffer_coefficient: F,
    /// `w = 1 + κ_t ην`: the old buffer enters the new one, less its part of the parameters, `w` times as
    /// much as in the run with weight decay.
    pub buffer_growth: F,
    /// `v = δ + κ_t η(1 + νδ)`: the same for the gradient, with `δ` included.
    pub gradient_weight: F,
}

/// One step of the law for `b' = γb + δG`, `θ' = θ − η(G + νb')`, `G = g + λθ` (new here), `κ_{t−1}` being the
/// part of the parameters that the buffer holds:
/// ```text
/// d = δλ + γκ_{t−1}    a = 1 − η(λ + νd)    κ_t = d/a    w = 1 + κ_tην    v = δ + κ_tη(1 + νδ)
/// ```
/// Then `c_t = b_t − κ_{t−1}θ_t` obeys `c' = γwc + vg`, `θ'/A' = θ/A − (η/A')((1 + νδ)g + νγc)`, and
/// `(1 + νδ)w = 1 + νv` makes that a step of the same form without decay, for *any* scale of the new
/// buffer: see [`nesterov_twin`].
///
/// ```
/// use schedule_core::optimiser::NesterovHyperparameters;
/// use schedule_core::recurrence::nesterov;
///
/// let with = NesterovHyperparameters {
///     learning_rate: 0.5, weight_decay: 0.5, momentum: 0.0, gradient_weight: 1.0, lookahead: 0.5,
/// };
/// assert_eq!(nesterov(with, 0.0).shrink, 1.0 - 0.5 * (0.5 + 0.25));
/// ```
#[must_use]
pub fn nesterov<F: Field>(with: NesterovHyperparameters<F>, buffer_coefficient: F) -> Nesterov<F> {
    let (rate, weight, lookahead) = (with.learning_rate, with.gradient_weight, with.lookahead);
    let decay = weight * with.weight_decay + with.momentum * buffer_coefficient;
    let shrink_minus_one = -(rate * (with.weight_decay + lookahead * decay));
    let shrink = F::ONE + shrink_minus_one;
    let buffer_coefficient = decay / shrink;
    Nesterov {
        shrink_minus_one,
        shrink,
        buffer_coefficient,
        buffer_growth: F::ONE + buffer_coefficient * rate * lookahead,
        gradient_weight: weight + buffer_coefficient * rate * (F::ONE + lookahead * weight),
    }
}

/// The coefficients of the run without weight decay; made by [`nesterov_twin`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NesterovTwin<F> {
    /// `γ̃_t`.
    pub momentum: F,
    /// `δ̃_t`.
    pub gradient_weight: F,
    /// `ν̃_t`.
    pub lookahead: F,
}

/// The run without weight decay whose buffer is `b̃_t = σ_t A_{t−1} (b_t − κ_{t−1}θ_t)`, with `A_{−1} = 1`,
/// `a_{−1} = 1`:
/// ```text
/// γ̃ = γ w a_{t−1} σ_{t+1}/σ_t    δ̃ = v σ_{t+1}    ν̃ = ν/σ_{t+1}    η̃ = η/(A_t A_{t+1} w)
/// ```
/// Any `σ` without zeros will do. `σ_{t+1} = 1/v` keeps `δ̃ = 1`, a separate look-ahead without any
/// root; `σ_{t+1}² = νσ_t/(γ w a_{t−1})` keeps `ν̃ = γ̃`, a dampened buffer. Both at once there is not, but
/// by chance.
///
/// ```
/// use schedule_core::optimiser::NesterovHyperparameters;
/// use schedule_core::recurrence::{nesterov, nesterov_twin};
///
/// let with = NesterovHyperparameters {
///     learning_rate: 0.5_f64, weight_decay: 0.5, momentum: 0.5, gradient_weight: 1.0, lookahead: 0.5,
/// };
/// let step = nesterov(with, 0.0);
/// let twin = nesterov_twin(with, &step, 1.0, 1.0, 1.0 / step.gradient_weight);
/// assert!((twin.gradient_weight - 1.0).abs() < 1e-15);
/// ```
#[must_use]
pub fn nesterov_twin<F: Field>(
    with: NesterovHyperparameters<F>,
    step: &Nesterov<F>,
    shrink_before: F,
    buffer_gauge: F,
    buffer_gauge_after: F,
) -> NesterovTwin<F> {
    NesterovTwin {
        momentum: with.momentum * step.buffer_growth * shrink_before * buffer_gauge_after
            / buffer_gauge,
        gradient_weight: step.gradient_weight * buffer_gauge_after,
        lookahead: with.lookahead / buffer_gauge_after,
    }
}
