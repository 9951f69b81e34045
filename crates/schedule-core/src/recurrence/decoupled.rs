//! Decoupled weight decay, for an update that is homogeneous in its gradients.

use crate::field::Field;

/// How much one step of decoupled weight decay shrinks the parameters; made by [`decoupled`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decoupled<F> {
    /// `a_t − 1 = −η_t λ_t`.
    pub shrink_minus_one: F,
    /// `a_t = A_{t+1}/A_t`.
    pub shrink: F,
}

/// One step of decoupled weight decay, `a_t = 1 − η_t λ_t` (new here).
///
/// Let the update `u_t` be homogeneous of degree `k` in the gradients it remembers. Then
/// `θ_{t+1} = (1 − η_tλ_t) θ_t − η_t u_t` is the same step as `θ̃_{t+1} = θ̃_t − η̃_t ũ_t` with
/// `θ̃_t = θ_t/A_t`, `η̃_t` from [`decoupled_learning_rate`], and memories `m̃_t = A_{t−1} m_t` whose
/// coefficients are those of [`memory_coefficient`].
///
/// ```
/// use schedule_core::recurrence::decoupled;
/// assert_eq!(decoupled(0.5, 0.5).shrink, 0.75);
/// ```
#[must_use]
pub fn decoupled<F: Field>(learning_rate: F, weight_decay: F) -> Decoupled<F> {
    let shrink_minus_one = -(learning_rate * weight_decay);
    Decoupled {
        shrink_minus_one,
        shrink: F::ONE + shrink_minus_one,
    }
}

/// `η̃_t = η_t/(A_{t+1} A_t^k)`, from `scale_after = A_{t+1}` and `scale_to_degree = A_t^k`.
///
/// ```
/// use schedule_core::recurrence::decoupled_learning_rate;
/// assert_eq!(decoupled_learning_rate(1.0, 0.25, 0.5), 8.0);
/// ```
#[must_use]
pub fn decoupled_learning_rate<F: Field>(
    learning_rate: F,
    scale_after: F,
    scale_to_degree: F,
) -> F {
    learning_rate / (scale_after * scale_to_degree)
}

/// What a memory of gradients is multiplied by in the run without weight decay, `β a_{t−1}`, with
/// `a_{−1} = 1`; apply it twice for a memory of squares.
///
/// The old memory is of gradients at the scale `A_{t−1}`, the new gradient at `A_t`. The weight of the
/// new gradient stays what it was.
///
/// ```
/// use schedule_core::recurrence::memory_coefficient;
/// assert_eq!(memory_coefficient(0.5, 0.75), 0.375);
/// ```
#[must_use]
pub fn memory_coefficient<F: Field>(coefficient: F, shrink_before: F) -> F {
    coefficient * shrink_before
}
