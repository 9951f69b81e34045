//! Between two values.

/// `from_weight·from + to_weight·to` for weights that sum to 1, never outside `[from, to]`.
///
/// Not `from + to_weight·(to − from)`: the difference may overflow. Both weights are arguments because
/// `1 − to_weight` has no digits left near the end, and a rate that falls to 0 is nothing but that
/// weight.
#[inline]
pub(super) fn interpolate(from: f64, from_weight: f64, to: f64, to_weight: f64) -> f64 {
    (from_weight * from + to_weight * to)
        .max(from.min(to))
        .min(from.max(to))
}
