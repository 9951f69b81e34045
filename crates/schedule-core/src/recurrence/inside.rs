//! Coupled weight decay, the learning rate inside the momentum buffer; and the inverse.

use crate::field::Field;

/// How much one step of weight decay shrinks the parameters; made by [`inside`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inside<F> {
    /// `a_t − 1 = −(η_t λ_t + γ'_t c_{t−1})`.
    pub shrink_minus_one: F,
    /// `a_t = A_{t+1}/A_t`.
    pub shrink: F,
    /// `c_t = 1/a_t − 1`.
    pub buffer_coefficient: F,
    /// `γ̃'_t = γ'_t/(a_t a_{t−1})`, the momentum of the run without weight decay.
    pub momentum: F,
}

/// One step of the law for `v_{t+1} = γ'_t v_t + η_t (g_t + λ_t θ_t)`, `θ_{t+1} = θ_t − v_{t+1}`:
/// ```text
/// a_t = 1 − η_t λ_t − γ'_t c_{t−1}    c_t = 1/a_t − 1    γ̃'_t = γ'_t/(a_t a_{t−1})
/// ```
/// `decay_product` is `η_t λ_t`, and `c_{t−1}` the part of the parameters that the buffer holds. Then
/// `θ̃_t = θ_t/A_t` and `ṽ_t = (v_t − c_{t−1} θ_t)/A_{t−1}` take the same step with `γ̃'_t`,
/// `η̃_t = η_t/(A_t A_{t+1})` and no weight decay: insert `v_t = A_{t−1} ṽ_t + c_{t−1} θ_t` in
/// `ṽ_{t+1} = (v_{t+1} − (1 − a_t) θ_t)/A_{t+1}`, and the terms in `θ_t` cancel. New here.
///
/// ```
/// use schedule_core::recurrence::inside;
/// let step = inside(0.25, 0.5, 0.5);
/// assert_eq!((step.shrink, step.buffer_coefficient, step.momentum), (0.5, 1.0, 1.5));
/// ```
#[must_use]
pub fn inside<F: Field>(decay_product: F, momentum: F, buffer_coefficient: F) -> Inside<F> {
    let shrink_minus_one = -(decay_product + momentum * buffer_coefficient);
    let shrink = F::ONE + shrink_minus_one;
    let after = -shrink_minus_one / shrink;
    Inside {
        shrink_minus_one,
        shrink,
        buffer_coefficient: after,
        momentum: momentum * (F::ONE + after) * (F::ONE + buffer_coefficient),
    }
}

/// The inverse of [`inside`]: the `η_t λ_t` at which a step shrinks the parameters by a chosen `a_t`,
/// `η_t λ_t = 1 − a_t − γ'_t c_{t−1}`. New here.
///
/// With the rate outside the buffer, `γ'_t = γ_t η_t/η_{t−1}` and `c_{t−1} = η_{t−1} κ_{t−1}`.
///
/// ```
/// use schedule_core::recurrence::{decay_product, inside};
/// assert_eq!(decay_product(inside(0.25, 0.5, 0.5).shrink_minus_one, 0.5, 0.5), 0.25);
/// ```
#[must_use]
pub fn decay_product<F: Field>(shrink_minus_one: F, momentum: F, buffer_coefficient: F) -> F {
    -shrink_minus_one - momentum * buffer_coefficient
}

/// The `ηλ` at which `c` stays as it is: `ηλ = (1 − α)(1 − γ/α)` with `α = 1/(1 + c)`, factored so that
/// nothing cancels, `ηλ = c/(1 + c) · ((1 − γ) − γc)`. Source: Li & Arora (arXiv:1910.07454), whose
/// equation `x² − (1 + γ − ηλ)x + γ = 0` has `α` as a root.
///
/// ```
/// use schedule_core::recurrence::{inside, stationary_decay_product};
/// let (momentum, coefficient) = (0.25, 1.0);
/// let step = inside(stationary_decay_product(momentum, coefficient), momentum, coefficient);
/// assert_eq!(step.buffer_coefficient, coefficient);
/// ```
#[must_use]
pub fn stationary_decay_product<F: Field>(momentum: F, buffer_coefficient: F) -> F {
    let c = buffer_coefficient;
    c / (F::ONE + c) * ((F::ONE - momentum) - momentum * c)
}
