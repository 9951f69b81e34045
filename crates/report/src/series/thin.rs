//! Thinning that keeps spikes.

use super::Point;

/// Leaves at most four points in each of `columns` equal parts of the axis: the first, the lowest, the
/// highest and the last, in their order. What a screen of that many columns shows does not change.
///
/// Positions must not decrease. A column that has only holes leaves one, and so breaks the curve;
/// holes beside values in the same column are narrower than a pixel and vanish. Points at positions
/// that are not finite are dropped.
pub(crate) fn thin(points: &[Point], columns: usize) -> Vec<Point> {
    let mut placed = points.iter().copied().filter(|(x, _)| x.is_finite());
    let Some((start, _)) = placed.next() else {
        return Vec::new();
    };
    let end = placed.next_back().map_or(start, |(x, _)| x);
    let columns = columns.max(1);
    // Halves, because the difference of two finite numbers may overflow.
    let width = (end / 2.0 - start / 2.0) / columns as f64;
    let column_of = |x: f64| {
        let column = ((x / 2.0 - start / 2.0) / width).floor();
        if column.is_finite() {
            (column.max(0.0) as usize).min(columns - 1)
        } else {
            0
        }
    };
    let mut thinned = Vec::new();
    let mut column = Column::default();
    let mut current = 0;
    for &point in points.iter().filter(|(x, _)| x.is_finite()) {
        let next = column_of(point.0);
        if next != current {
            column.leave(&mut thinned);
            (column, current) = (Column::default(), next);
        }
        column.add(point);
    }
    column.leave(&mut thinned);
    thinned
}

/// What remains of one column.
#[derive(Default)]
struct Column {
    count: usize,
    hole: Option<f64>,
    extremes: Option<Extremes>,
}

/// Each point with its place in the column, to keep the order.
struct Extremes {
    first: (usize, Point),
    lowest: (usize, Point),
    highest: (usize, Point),
    last: (usize, Point),
}

impl Column {
    fn add(&mut self, point: Point) {
        let placed = (self.count, point);
        self.count += 1;
        if !point.1.is_finite() {
            self.hole = Some(point.0);
            return;
        }
        let Some(extremes) = &mut self.extremes else {
            self.extremes = Some(Extremes {
                first: placed,
                lowest: placed,
                highest: placed,
                last: placed,
            });
            return;
        };
        if point.1 < extremes.lowest.1.1 {
            extremes.lowest = placed;
        }
        if point.1 > extremes.highest.1.1 {
            extremes.highest = placed;
        }
        extremes.last = placed;
    }

    fn leave(self, thinned: &mut Vec<Point>) {
        let Some(extremes) = self.extremes else {
            thinned.extend(self.hole.map(|x| (x, f64::NAN)));
            return;
        };
        let mut kept = [
            extremes.first,
            extremes.lowest,
            extremes.highest,
            extremes.last,
        ];
        kept.sort_by_key(|&(place, _)| place);
        let mut previous = None;
        for (place, point) in kept {
            if previous != Some(place) {
                thinned.push(point);
            }
            previous = Some(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finite(points: &[Point]) -> Vec<f64> {
        points
            .iter()
            .map(|point| point.1)
            .filter(|y| y.is_finite())
            .collect()
    }

    fn extremes(values: &[f64]) -> Option<(f64, f64)> {
        let low = values.iter().copied().reduce(f64::min)?;
        Some((low, values.iter().copied().reduce(f64::max)?))
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => -10.0..10.0f64,
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
            1 => any::<f64>(),
        ]
    }

    proptest! {
        #[test]
        fn keeps_ends_extremes_and_order(
            values in prop::collection::vec(value(), 0..400),
            strides in prop::collection::vec(0u32..50, 400),
            columns in 0usize..40,
        ) {
            let mut x = 0.0;
            let points: Vec<Point> = values
                .iter()
                .zip(&strides)
                .map(|(&y, &stride)| { x += f64::from(stride); (x, y) })
                .collect();
            let thinned = thin(&points, columns);
            prop_assert!(thinned.len() <= 4 * columns.max(1));
            prop_assert!(thinned.windows(2).all(|pair| pair[0].0 <= pair[1].0));
            let (all, kept) = (finite(&points), finite(&thinned));
            prop_assert_eq!(extremes(&all), extremes(&kept));
            prop_assert_eq!(all.first(), kept.first());
            prop_assert_eq!(all.last(), kept.last());
            for point in thinned.iter().filter(|point| point.1.is_finite()) {
                prop_assert!(points.contains(point));
            }
        }
    }

    #[test]
    fn few_points_stay_as_they_are() {
        let points = [(0.0, 1.0), (1.0, 5.0), (2.0, 2.0)];
        assert_eq!(thin(&points, 100), points);
        assert_eq!(thin(&points[..1], 100), &points[..1]);
        assert!(thin(&[], 100).is_empty());
    }

    #[test]
    fn a_long_hole_breaks_the_curve_and_a_short_one_does_not() {
        let mut points: Vec<Point> = (0..1000).map(|x| (f64::from(x), 1.0)).collect();
        points[100].1 = f64::NAN;
        points[500..600]
            .iter_mut()
            .for_each(|point| point.1 = f64::NAN);
        let holes: Vec<f64> = thin(&points, 20)
            .iter()
            .filter(|point| point.1.is_nan())
            .map(|point| point.0)
            .collect();
        assert_eq!(holes.len(), 2);
        assert!(holes.iter().all(|x| (500.0..600.0).contains(x)));
    }

    #[test]
    fn a_series_of_holes_keeps_no_value() {
        let points: Vec<Point> = (0..100).map(|x| (f64::from(x), f64::NAN)).collect();
        assert!(finite(&thin(&points, 10)).is_empty());
    }

    #[test]
    fn equal_and_extreme_positions_do_not_divide_by_zero() {
        let same: Vec<Point> = (0..100).map(|y| (3.0, f64::from(y))).collect();
        assert_eq!(thin(&same, 10), [(3.0, 0.0), (3.0, 99.0)]);
        let wide = [
            (-f64::MAX, 1.0),
            (0.0, 2.0),
            (f64::MAX, 3.0),
            (f64::INFINITY, 9.0),
        ];
        assert_eq!(thin(&wide, 10), wide[..3]);
    }
}
