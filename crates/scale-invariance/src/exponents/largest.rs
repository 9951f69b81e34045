//! The exponents of a block that are largest together, between 0 and 1.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::{One, Signed, Zero};

use super::blocks::Exponents;
use super::cone::{LARGEST_TABLEAU, Tableau, signed};
use super::work::{LOOK, Work};
use super::{Block, Rational, Unknown};

impl Block {
    /// The solution with exponents from 0 to 1 of which `Σ weight · exponent` is largest, its entries that are not
    /// 0; the weights are positive. Its largest entry is 1, unless all are 0.
    ///
    /// Found with so much work, which is taken off; without enough, or of a block above the size that is searched, it is
    /// another such solution with a smaller sum, or 0. Of a block with one direction it is found without work.
    pub(crate) fn largest(
        &self,
        weight: impl Fn(Unknown) -> Rational,
        work: &mut Work,
    ) -> Exponents {
        if let [only] = self.basis.as_slice() {
            return stretched(only);
        }
        let rows = signed(self.basis.clone(), work);
        let mut columns: BTreeMap<Unknown, Vec<(usize, &Rational)>> = BTreeMap::new();
        for (multiplier, row) in rows.iter().enumerate() {
            for (&parameter, exponent) in row {
                let column = columns.entry(parameter).or_default();
                column.push((multiplier, exponent));
            }
        }
        let cells = 2 * columns.len() * rows.len();
        if cells > LARGEST_TABLEAU || work.take(LOOK * cells as u64).is_none() {
            return Exponents::new();
        }
        let column = |entries: &[(usize, &Rational)], sign: Rational| {
            let mut column = vec![Rational::zero(); rows.len()];
            for &(multiplier, exponent) in entries {
                column[multiplier] = exponent * &sign;
            }
            column
        };
        // In multipliers of the rows, which are at least 0: `0 ≤ Σ multiplier · row ≤ 1`. All at 0 is a start.
        let mut tableau = Tableau::new(rows.len(), work);
        let mut bounds = BTreeSet::new();
        for entries in columns.values() {
            if entries.iter().any(|(_, exponent)| exponent.is_negative()) {
                tableau.at_most(column(entries, -Rational::one()), Rational::zero());
            }
            // Parameters of equal columns have equal exponents, and share their bound.
            let bound = column(entries, Rational::one());
            if bounds.insert(bound.clone()) {
                tableau.at_most(bound, Rational::one());
            }
        }
        let gain = |row: &Exponents| {
            let gains = row.iter().map(|(&parameter, e)| weight(parameter) * e);
            gains.fold(Rational::zero(), |sum, gain| sum + gain)
        };
        let multipliers = tableau.maximise(rows.iter().map(gain).collect());
        let mut largest = Exponents::new();
        for (row, multiplier) in rows.iter().zip(&multipliers) {
            for (&parameter, exponent) in row {
                *largest.entry(parameter).or_default() += multiplier * exponent;
            }
        }
        largest.retain(|_, exponent| !exponent.is_zero());
        // Without enough work it may be smaller.
        stretched(&largest)
    }
}

/// The multiple of exponents whose largest is 1; none of exponents that are not all positive.
fn stretched(exponents: &Exponents) -> Exponents {
    let largest = exponents.values().max();
    let Some(largest) = largest.filter(|_| exponents.values().all(Signed::is_positive)) else {
        return Exponents::new();
    };
    let stretched = exponents.iter();
    stretched
        .map(|(&parameter, exponent)| (parameter, exponent / largest))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of rows of whole numbers, with weights of the parameters.
    fn largest(rows: &[&[i64]], weights: &[i64]) -> Vec<Rational> {
        let whole = |number: i64| Rational::from_integer(number.into());
        let row = |row: &&[i64]| {
            let entries = row.iter().copied().enumerate();
            let entries = entries.filter(|(_, exponent)| *exponent != 0);
            entries
                .map(|(at, exponent)| (at, whole(exponent)))
                .collect()
        };
        let basis = rows.iter().map(row).collect();
        let found =
            Block { basis }.largest(|parameter| whole(weights[parameter]), &mut Work::of(0));
        let of = |parameter| found.get(&parameter).cloned().unwrap_or_default();
        (0..weights.len()).map(of).collect()
    }

    fn numbers(numbers: &[(i64, i64)]) -> Vec<Rational> {
        let number = |&(numerator, denominator): &(i64, i64)| {
            Rational::new(numerator.into(), denominator.into())
        };
        numbers.iter().map(number).collect()
    }

    #[test]
    fn one_direction_reaches_1_and_mixed_signs_stay() {
        assert_eq!(largest(&[&[1, 2]], &[1, 1]), numbers(&[(1, 2), (1, 1)]));
        assert_eq!(largest(&[&[1, -1]], &[1, 9]), numbers(&[(0, 1), (0, 1)]));
    }

    /// `d₀ = d₁ + d₂`: what weighs more goes up.
    #[test]
    fn weights_decide_between_what_cannot_be_had_together() {
        let rows: [&[_]; 2] = [&[1, 1, 0], &[1, 0, 1]];
        assert_eq!(
            largest(&rows, &[1, 2, 1]),
            numbers(&[(1, 1), (1, 1), (0, 1)])
        );
        assert_eq!(
            largest(&rows, &[1, 1, 2]),
            numbers(&[(1, 1), (0, 1), (1, 1)])
        );
    }

    /// `d₂ = d₁ − d₀` and `d₃ = 2d₁`: the first is worth most, and stops where the third would be negative.
    #[test]
    fn none_is_negative_and_none_above_1() {
        let rows: [&[_]; 2] = [&[1, 0, -1, 0], &[0, 1, 1, 2]];
        let expected = numbers(&[(1, 2), (1, 2), (0, 1), (1, 1)]);
        assert_eq!(largest(&rows, &[9, 1, 1, 1]), expected);
    }

    /// `d₀ = d₁ + d₂/3`: of the third three times as much is had for as much of the first.
    #[test]
    fn exponents_count_with_their_size() {
        let rows: [&[_]; 2] = [&[1, 1, 0], &[1, 0, 3]];
        let expected = numbers(&[(1, 1), (2, 3), (1, 1)]);
        assert_eq!(largest(&rows, &[1, 2, 1]), expected);
    }

    #[test]
    fn what_is_too_large_to_be_searched_stays() {
        let one = || Rational::from_integer(1.into());
        let row = |at: Unknown| Exponents::from([(0, one()), (at, one())]);
        let basis = (1..2000).map(row).collect();
        let mut work = Work::of(2000);
        assert!(Block { basis }.largest(|_| one(), &mut work).is_empty());
    }
}
