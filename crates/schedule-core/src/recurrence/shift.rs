//! Changing what the momentum buffer holds of the parameters.

use crate::field::Field;

/// What a buffer shift adds to the buffer, in parameters: `b̃ ← b̃ + A_t² (κ_old − κ_new) θ̃_t`.
///
/// With `b̃_t = A_t (b_t − κ_old θ_t)` and `θ_t = A_t θ̃_t` the shifted buffer is `A_t (b_t − κ_new θ_t)`: the
/// law may go on from `κ_new`. New here.
///
/// ```
/// use schedule_core::recurrence::buffer_shift;
/// assert_eq!(buffer_shift(0.5, 3.0, 1.0), 0.5);
/// ```
#[must_use]
pub fn buffer_shift<F: Field>(scale: F, old_coefficient: F, new_coefficient: F) -> F {
    scale * scale * (old_coefficient - new_coefficient)
}
