//! Thinning that keeps spikes.

use super::Point;
use crate::chart::BandPoint;

/// Leaves at most four points in each of `columns` equal parts of the axis: the first, the lowest, the
/// highest and the last, in their order. What a screen of that many columns shows does not change.
///
/// Positions must not decrease. A column that has only holes leaves one, and so breaks the curve;
/// holes beside values in the same column are narrower than a pixel and vanish. Points at positions
/// that are not finite are dropped.
pub(crate) fn thin(points: &[Point], columns: usize) -> Vec<Point> {
    let column_of = columns_of(points, |point| point.0, columns);
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

/// Leaves at most one range in each of `columns` equal parts of the axis, at the first position in it: from the
/// lowest to the highest of that part. Few ranges stay as they are.
///
/// A part that has only holes leaves one.
pub(crate) fn thin_band(band: &[BandPoint], columns: usize) -> Vec<BandPoint> {
    let ranges = band.iter().filter(|(x, _, _)| x.is_finite());
    let mut thinned: Vec<BandPoint> = ranges
        .map(
            |&(x, low, high)| match low.is_finite() && high.is_finite() {
                true => (x, low, high),
                false => (x, f64::NAN, f64::NAN),
            },
        )
        .collect();
    if thinned.len() <= columns {
        return thinned;
    }
    let column_of = columns_of(&thinned, |point| point.0, columns);
    thinned.dedup_by(|next, kept| {
        let same = column_of(next.0) == column_of(kept.0);
        if same {
            // Whatever is finite wins over a hole.
            (kept.1, kept.2) = (kept.1.min(next.1), kept.2.max(next.2));
        }
        same
    });
    thinned
}

/// Which of `columns` equal parts of the axis, from the first position that is finite to the last, a position is in.
fn columns_of<P>(
    points: &[P],
    position: fn(&P) -> f64,
    columns: usize,
) -> impl Fn(f64) -> usize + use<P> {
    let mut placed = points.iter().map(position).filter(|x| x.is_finite());
    let start = placed.next().unwrap_or(0.0);
    let end = placed.next_back().unwrap_or(start);
    let columns = columns.max(1);
    // Halves, because the difference of two finite numbers may overflow.
    let width = (end / 2.0 - start / 2.0) / columns as f64;
    move |x| {
        let column = ((x / 2.0 - start / 2.0) / width).floor();
        if column.is_finite() {
            (column.max(0.0) as usize).min(columns - 1)
        } else {
            0
        }
    }
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

    proptest! {
        #[test]
        fn a_band_keeps_its_ends_and_never_narrows(
            edges in prop::collection::vec((value(), value()), 0..200),
            columns in 1usize..40,
        ) {
            let band: Vec<BandPoint> = edges
                .iter()
                .enumerate()
                .map(|(x, &(a, b))| (x as f64, a.min(b), a.max(b)))
                .collect();
            let thinned = thin_band(&band, columns);
            prop_assert!(thinned.len() <= columns.max(1));
            let ends = |band: &[BandPoint]| {
                let whole = band.iter().filter(|p| p.1.is_finite() && p.2.is_finite());
                let lowest = whole.clone().map(|p| p.1).reduce(f64::min);
                (lowest, whole.map(|p| p.2).reduce(f64::max))
            };
            prop_assert_eq!(ends(&band), ends(&thinned));
            prop_assert_eq!(band.first().map(|p| p.0), thinned.first().map(|p| p.0));
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
