//! Several series of one quantity, from runs that differ in their seeds.

use super::Point;
use crate::chart::BandPoint;

/// Their mean, and their range, at every position where all have a value; a hole where one has none.
///
/// Positions of each must not decrease. Positions that are not in every series are left out, so series of
/// different length end with the shortest.
pub(crate) fn mean_and_range(seeds: &[Vec<Point>]) -> (Vec<Point>, Vec<BandPoint>) {
    let Some((first, others)) = seeds.split_first() else {
        return (Vec::new(), Vec::new());
    };
    let mut places = vec![0; others.len()];
    let (mut mean, mut range) = (Vec::new(), Vec::new());
    for &(x, y) in first {
        let mut values = vec![y];
        for (series, place) in others.iter().zip(&mut places) {
            while series.get(*place).is_some_and(|point| point.0 < x) {
                *place += 1;
            }
            if let Some(&(_, y)) = series.get(*place).filter(|point| point.0 == x) {
                values.push(y);
                *place += 1;
            }
        }
        if values.len() != seeds.len() {
            continue;
        }
        if values.iter().all(|value| value.is_finite()) {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // A share of each, as the sum of all might overflow; and rounding must not leave the range.
            let share = 1.0 / values.len() as f64;
            let middle: f64 = values.iter().map(|value| value * share).sum();
            mean.push((x, middle.clamp(low, high)));
            range.push((x, low, high));
        } else {
            mean.push((x, f64::NAN));
            range.push((x, f64::NAN, f64::NAN));
        }
    }
    (mean, range)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mean_ends_with_the_shortest_and_breaks_with_the_first_hole() {
        let whole: Vec<Point> = (0..5).map(|x| (f64::from(x), 1.0)).collect();
        let mut broken: Vec<Point> = (0..4).map(|x| (f64::from(x), 3.0)).collect();
        broken[1].1 = f64::NAN;
        let (mean, range) = mean_and_range(&[whole, broken]);
        let means: Vec<f64> = mean.iter().map(|point| point.1).collect();
        assert_eq!((means[0], means[2], means[3]), (2.0, 2.0, 2.0));
        assert!(means[1].is_nan() && means.len() == 4);
        assert_eq!(range[2], (2.0, 1.0, 3.0));
    }

    #[test]
    fn positions_that_one_lacks_are_left_out() {
        let all: Vec<Point> = (0..6).map(|x| (f64::from(x), 0.0)).collect();
        let even: Vec<Point> = (0..3).map(|x| (f64::from(2 * x), 1.0)).collect();
        for seeds in [[all.clone(), even.clone()], [even, all]] {
            let (mean, _) = mean_and_range(&seeds);
            assert_eq!(mean, [(0.0, 0.5), (2.0, 0.5), (4.0, 0.5)]);
        }
    }

    proptest! {
        #[test]
        fn the_mean_lies_in_the_range_and_the_range_is_that_of_all(
            values in prop::collection::vec(prop::collection::vec(any::<f64>(), 8), 1..5),
        ) {
            let seeds: Vec<Vec<Point>> = values
                .iter()
                .map(|seed| seed.iter().enumerate().map(|(x, &y)| (x as f64, y)).collect())
                .collect();
            let (mean, range) = mean_and_range(&seeds);
            prop_assert_eq!(mean.len(), 8);
            for (at, (&(x, middle), &(_, low, high))) in mean.iter().zip(&range).enumerate() {
                prop_assert_eq!(x, at as f64);
                let here: Vec<f64> = values.iter().map(|seed| seed[at]).collect();
                if here.iter().all(|value| value.is_finite()) {
                    prop_assert!(low <= middle && middle <= high);
                    prop_assert!(here.contains(&low) && here.contains(&high));
                    prop_assert!(here.iter().all(|&value| low <= value && value <= high));
                } else {
                    prop_assert!(middle.is_nan() && low.is_nan() && high.is_nan());
                }
            }
        }
    }
}
