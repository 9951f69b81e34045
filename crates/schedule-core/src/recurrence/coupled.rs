//! Coupled weight decay, the learning rate outside the momentum buffer.

use crate::field::Field;

/// How much one step of weight decay shrinks the parameters; made by [`coupled`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coupled<F> {
    /// `d_t = λ_t + γ_t κ_{t−1}`.
    pub decay: F,
    /// `a_t − 1 = −η_t d_t`: all digits of a small decay are here, few of them in `a_t`.
    pub shrink_minus_one: F,
    /// `a_t = A_{t+1}/A_t`.
    pub shrink: F,
    /// `κ_t = d_t/a_t`.
    pub buffer_coefficient: F,
}

/// One step of the exact law, `κ_{t−1}` being the part of the parameters that the buffer holds:
/// ```text
/// d_t = λ_t + γ_t κ_{t−1}    a_t = 1 − η_t d_t    κ_t = d_t/a_t
/// ```
/// Then `θ_{t+1} = θ_t − η_t b_{t+1}` with `b_{t+1} = γ_t b_t + g_t + λ_t θ_t` is the same step as
/// `θ̃_{t+1} = θ̃_t − η̃_t b̃_{t+1}` with `b̃_{t+1} = γ_t b̃_t + g̃_t`, where `θ̃_t = θ_t/A_t`,
/// `b̃_t = A_t (b_t − κ_{t−1} θ_t)`, `g̃_t = A_t g_t` and `η̃_t = η_t/(A_t A_{t+1})`.
///
/// To keep a weight decay `λ̃_t` in the twin, pass `λ_t − λ̃_t/A_t²` as the decay.
///
/// ```
/// use schedule_core::recurrence::coupled;
/// let step = coupled(0.5, 0.5, 0.0, 0.0);
/// assert_eq!((step.shrink, step.buffer_coefficient), (0.75, 0.5 / 0.75));
/// ```
#[must_use]
pub fn coupled<F: Field>(
    learning_rate: F,
    weight_decay: F,
    momentum: F,
    buffer_coefficient: F,
) -> Coupled<F> {
    let decay = weight_decay + momentum * buffer_coefficient;
    let shrink_minus_one = -(learning_rate * decay);
    let shrink = F::ONE + shrink_minus_one;
    Coupled {
        decay,
        shrink_minus_one,
        shrink,
        buffer_coefficient: decay / shrink,
    }
}
