//! One trajectory, written with different momentum buffers.

use crate::field::Field;

/// The momentum with the rate inside the buffer, `γ'_t = γ_t η_t/η_{t−1}`: then `v_t = η_{t−1} b_t` and
/// `θ_{t+1} = θ_t − v_{t+1}`. The way back is the same with the rates exchanged. New here.
///
/// ```
/// use schedule_core::recurrence::momentum_inside;
/// assert_eq!(momentum_inside(0.5, 1.0, 4.0), 2.0);
/// ```
#[must_use]
pub fn momentum_inside<F: Field>(momentum: F, previous_rate: F, rate: F) -> F {
    momentum * rate / previous_rate
}

/// Rate and momentum without dampening, made by [`undampened`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Undampened<F> {
    /// `η_t (1 − τ_t)`.
    pub learning_rate: F,
    /// `γ_t (1 − τ_{t−1})/(1 − τ_t)`.
    pub momentum: F,
}

/// Rate and momentum of the run without dampening that is the run with it,
/// `b_{t+1} = γ_t b_t + (1 − τ_t)(g_t + λ_t θ_t)`, `θ_{t+1} = θ_t − η_t b_{t+1}`; its buffer is
/// `b_t/(1 − τ_{t−1})`. `weight` is `1 − τ_t`, `previous_weight` is `1 − τ_{t−1}`. New here.
///
/// ```
/// use schedule_core::recurrence::undampened;
/// let step = undampened(1.0, 0.5, 1.0, 0.25);
/// assert_eq!((step.learning_rate, step.momentum), (0.25, 2.0));
/// ```
#[must_use]
pub fn undampened<F: Field>(
    learning_rate: F,
    momentum: F,
    previous_weight: F,
    weight: F,
) -> Undampened<F> {
    Undampened {
        learning_rate: learning_rate * weight,
        momentum: momentum * previous_weight / weight,
    }
}
