//! Smoothing.

use super::Point;

/// Exponential running mean with a memory of `window` points, without its bias at the start:
/// `m_t = Σ_k q^k x_{t−k} / Σ_k q^k` with `q = 1 − 1/window`.
///
/// It looks back only, so a jump never shows before it happens. A hole stays a hole, and the mean
/// starts again after it. A window below 1 counts as 1, which changes nothing.
pub(crate) fn running_mean(
    points: impl IntoIterator<Item = Point>,
    window: f64,
) -> impl Iterator<Item = Point> {
    let keep = if window > 1.0 {
        1.0 - 1.0 / window
    } else {
        0.0
    };
    let (mut sum, mut weight) = (0.0, 0.0);
    points.into_iter().map(move |(x, y)| {
        if !y.is_finite() {
            (sum, weight) = (0.0, 0.0);
            return (x, f64::NAN);
        }
        sum = keep * sum + y;
        weight = keep * weight + 1.0;
        (x, sum / weight)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(values: &[f64], window: f64) -> Vec<f64> {
        running_mean(values.iter().map(|&y| (0.0, y)), window)
            .map(|(_, y)| y)
            .collect()
    }

    #[test]
    fn a_constant_stays_itself_from_the_first_point() {
        for mean in means(&[3.0; 50], 20.0) {
            assert!((mean - 3.0).abs() < 1e-12);
        }
    }

    #[test]
    fn no_memory_changes_nothing() {
        for window in [1.0, 0.0, -5.0, f64::NAN] {
            assert_eq!(means(&[1.0, 9.0, 2.0], window), [1.0, 9.0, 2.0]);
        }
    }

    #[test]
    fn two_points_weigh_as_the_formula_says() {
        assert!((means(&[1.0, 4.0], 2.0)[1] - (0.5 * 1.0 + 4.0) / 1.5).abs() < 1e-12);
    }

    #[test]
    fn a_hole_stays_and_forgets() {
        let smooth = means(&[100.0, f64::NAN, 1.0], 10.0);
        assert!(smooth[1].is_nan());
        assert_eq!(smooth[2], 1.0);
    }
}
