//! Leaving out points that lie on a line anyway.

use super::Point;

/// Leaves out points that are within `tolerance` of the line between those that stay, measured along y.
///
/// First and last, every lowest and highest, and holes and the points beside them stay.
pub(crate) fn straightened(points: Vec<Point>, tolerance: f64) -> Vec<Point> {
    let values = || points.iter().map(|point| point.1).filter(|y| y.is_finite());
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut kept: Vec<Point> = Vec::new();
    // Slopes of the lines from the last point kept that pass all points since within tolerance.
    let mut slopes = ANY;
    let mut waiting: Option<Point> = None;
    for (x, y) in points {
        let slope = |from: Point, y: f64| (y - from.1) / (x - from.0);
        if let (Some(last), Some(&from)) = (waiting.take(), kept.last()) {
            // Comparisons with NaN, of a hole, are false.
            if !(slopes.0 <= slope(from, y) && slope(from, y) <= slopes.1) {
                kept.push(last);
                slopes = ANY;
            }
        }
        let must_stay = !y.is_finite() || y == low || y == high;
        match kept.last() {
            Some(&from) if from.1.is_finite() && !must_stay => {
                slopes.0 = slopes.0.max(slope(from, y - tolerance));
                slopes.1 = slopes.1.min(slope(from, y + tolerance));
                waiting = Some((x, y));
            }
            _ => {
                kept.push((x, y));
                slopes = ANY;
            }
        }
    }
    kept.extend(waiting);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Where a line through the points is at a position.
    fn at(points: &[Point], x: f64) -> f64 {
        let after = points
            .iter()
            .position(|point| point.0 >= x)
            .expect("inside");
        let (right, left) = (points[after], points[after.saturating_sub(1)]);
        if right.0 == x {
            return right.1;
        }
        left.1 + (right.1 - left.1) * (x - left.0) / (right.0 - left.0)
    }

    #[test]
    fn a_line_becomes_its_ends_and_a_corner_stays() {
        let line: Vec<Point> = (0..1000).map(|x| (f64::from(x), f64::from(x))).collect();
        assert_eq!(straightened(line.clone(), 1e-9), [line[0], line[999]]);
        let roof: Vec<Point> = (0..=20i32)
            .map(|x| (f64::from(x), -f64::from((x - 10).abs())))
            .collect();
        assert_eq!(
            straightened(roof, 1e-9),
            [(0.0, -10.0), (10.0, 0.0), (20.0, -10.0)]
        );
    }

    #[test]
    fn holes_stay_between_their_neighbours() {
        let mut points: Vec<Point> = (0..100)
            .map(|x| (f64::from(x), 0.5 * f64::from(x)))
            .collect();
        points[50].1 = f64::NAN;
        let kept: Vec<f64> = straightened(points, 1e-9)
            .iter()
            .map(|point| point.0)
            .collect();
        assert_eq!(kept, [0.0, 49.0, 50.0, 51.0, 99.0]);
        assert!(straightened(vec![], 1.0).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_is_further_off_than_the_tolerance(
            values in prop::collection::vec(-1.0..1.0f64, 2..100),
            tolerance in 0.0..0.5f64,
        ) {
            let points: Vec<Point> = values.iter().enumerate().map(|(x, &y)| (x as f64, y)).collect();
            let kept = straightened(points.clone(), tolerance);
            prop_assert!(kept.iter().all(|point| points.contains(point)));
            prop_assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[points.len() - 1]));
            let extremes = |points: &[Point]| {
                let values = points.iter().map(|point| point.1);
                (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max))
            };
            prop_assert_eq!(extremes(&kept), extremes(&points));
            for &(x, y) in &points {
                prop_assert!((at(&kept, x) - y).abs() <= tolerance + 1e-12);
            }
        }

        #[test]
        fn no_points_panic(points in prop::collection::vec((any::<f64>(), any::<f64>()), 0..50), tolerance in any::<f64>()) {
            prop_assert!(straightened(points.clone(), tolerance).len() <= points.len());
        }
    }
}
