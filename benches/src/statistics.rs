//! Medians, spreads and ratios.

use std::fmt;

use serde::Serialize;

/// Several measurements of one thing.
///
/// ```
/// let spread = benches::Spread::of([490.0, 574.0, 530.0]).expect("finite numbers");
/// assert_eq!(spread.to_string(), "530 [490–574]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The one in the middle.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// How many.
    pub n: usize,
}

impl Spread {
    /// `None` of no values, or if one of them is not finite.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        if !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => 0.5 * (values.get(middle.checked_sub(1)?)? + values[middle]),
            _ => values[middle],
        };
        Some(Self {
            median,
            least: *values.first()?,
            most: *values.last()?,
            n: values.len(),
        })
    }

    /// Of `a` over `b`, measurement by measurement: what was measured one after the other had the same
    /// machine, so that its drift cancels. As many as the shorter has.
    pub fn of_ratios(a: &[f64], b: &[f64]) -> Option<Self> {
        Self::of(a.iter().zip(b).map(|(a, b)| a / b))
    }
}

/// `530 [490–574]`, with two digits behind the point below 10 and one below 100.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.median.abs() {
            ..10.0 => 2,
            10.0..100.0 => 1,
            _ => 0,
        };
        let Self {
            median,
            least,
            most,
            n,
        } = self;
        write!(f, "{median:.digits$}")?;
        if *n > 1 {
            write!(f, " [{least:.digits$}–{most:.digits$}]")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_spread_around_it() {
        let odd = Spread::of([5.0, 1.0, 2.0]).unwrap();
        assert_eq!((odd.median, odd.least, odd.most, odd.n), (2.0, 1.0, 5.0, 3));
        let even = Spread::of([4.0, 1.0, 100.0, 2.0]).unwrap();
        assert_eq!((even.median, even.least, even.most), (3.0, 1.0, 100.0));
    }

    #[test]
    fn what_is_not_a_number_has_no_spread() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([1.0, f64::NAN]), None);
        assert_eq!(Spread::of_ratios(&[1.0], &[0.0]), None);
    }

    #[test]
    fn ratios_are_of_neighbours_in_time() {
        // The machine became half as fast in between: every ratio is 2, that of the medians is not.
        let (a, b) = ([800.0, 400.0, 402.0], [400.0, 200.0, 201.0, 999.0]);
        let ratio = Spread::of_ratios(&a, &b).unwrap();
        assert_eq!(
            (ratio.median, ratio.least, ratio.most, ratio.n),
            (2.0, 2.0, 2.0, 3)
        );
    }

    #[test]
    fn a_spread_is_written_with_three_digits() {
        let written = |values: &[f64]| Spread::of(values.iter().copied()).unwrap().to_string();
        assert_eq!(written(&[490.0, 530.4, 574.0]), "530 [490–574]");
        assert_eq!(written(&[1.9, 2.0, 2.125]), "2.00 [1.90–2.12]");
        assert_eq!(written(&[12.34]), "12.3");
    }
}
