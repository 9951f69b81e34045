//! The weight decay that is left when parameters shrink at a pace that is not their own.

use crate::field::Field;

/// What a prescribed shrink leaves of the weight decay; made by [`residual`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResidualDecay<F> {
    /// `ρ_t`: the run at the scale `A_t` keeps the weight decay `λ̃_t = A_t² ρ_t`.
    pub decay: F,
    /// `κ_t = (1 − a_t)/(η_t a_t)`.
    pub buffer_coefficient: F,
}

/// One step of SGD with coupled weight decay seen at a scale that is prescribed, `A_{t+1} = a_t A_t` with
/// any `a_t ≠ 0` (new here), from `shrink_minus_one = a_t − 1` and `η_t ≠ 0`:
/// ```text
/// ρ_t = λ_t + γ_tκ_{t−1} + (a_t − 1)/η_t        λ̃_t = A_t² ρ_t        κ_t = (1 − a_t)/(η_t a_t)
/// ```
/// With `r_t = η_t/η_{t−1}` that is `λ̃_t = (A_t²/η_t)(a_t − 1 + η_tλ_t − γ_tr_t(1 − 1/a_{t−1}))`. The step is
/// the same as that of `θ̃_t = θ_t/A_t`, `b̃_t = A_t (b_t − κ_{t−1}θ_t)` with `η̃_t = η_t/(A_tA_{t+1})`, `γ_t` and
/// `λ̃_t`, which may be negative. It is 0 for the shrink of [`coupled`](super::coupled()).
///
/// ```
/// use schedule_core::recurrence::{coupled, residual};
///
/// let own = coupled(0.5, 0.5, 0.5, 0.25);
/// let none = residual(0.5, 0.5, 0.5, 0.25, own.shrink_minus_one);
/// assert_eq!((none.decay, none.buffer_coefficient), (0.0, own.buffer_coefficient));
/// // A scale that stays as it is keeps the decay and moves what the buffer holds into it.
/// assert_eq!(residual(0.5, 0.5, 0.5, 0.25, 0.0).decay, 0.625);
/// ```
#[must_use]
pub fn residual<F: Field>(
    learning_rate: F,
    weight_decay: F,
    momentum: F,
    buffer_coefficient: F,
    shrink_minus_one: F,
) -> ResidualDecay<F> {
    let decay = -(shrink_minus_one / learning_rate);
    ResidualDecay {
        decay: weight_decay + momentum * buffer_coefficient - decay,
        buffer_coefficient: decay / (F::ONE + shrink_minus_one),
    }
}
