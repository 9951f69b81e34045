//! Which exponents of a block can be positive while none is negative.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::{One, Signed, Zero};

use super::blocks::Exponents;
use super::{Block, Rational, Unknown};

impl Block {
    /// The parameters that have a positive exponent in some solution without negative ones.
    ///
    /// Such solutions can be added, so that one of them has all these parameters at once.
    pub(crate) fn positive(&self) -> BTreeSet<Unknown> {
        let mut positive = self.covered();
        let rest: BTreeSet<Unknown> = self.parameters().difference(&positive).copied().collect();
        if rest.is_empty() {
            return positive;
        }
        // What is positive already makes up for any negative entry there: only the rest is in the way.
        let rows: Vec<Exponents> = self
            .basis
            .iter()
            .map(|row| {
                let of_rest = row.iter().filter(|(parameter, _)| rest.contains(parameter));
                of_rest
                    .map(|(&parameter, e)| (parameter, e.clone()))
                    .collect()
            })
            .collect();
        positive.extend(largest_support(&rows, &rest));
        positive
    }

    /// What is found without search: a row whose negative entries are all made up for adds its positive ones.
    fn covered(&self) -> BTreeSet<Unknown> {
        let mut positive = BTreeSet::new();
        loop {
            let before = positive.len();
            for row in &self.basis {
                for sign in [Rational::one(), -Rational::one()] {
                    let is_positive = |e: &Rational| (e * &sign).is_positive();
                    let made_up = row
                        .iter()
                        .all(|(parameter, e)| is_positive(e) || positive.contains(parameter));
                    if made_up {
                        let more = row.iter().filter(|(_, e)| is_positive(e));
                        positive.extend(more.map(|(parameter, _)| *parameter));
                    }
                }
            }
            if positive.len() == before {
                return positive;
            }
        }
    }
}

/// The parameters that are positive in some combination of rows without negative entries.
fn largest_support(rows: &[Exponents], parameters: &BTreeSet<Unknown>) -> BTreeSet<Unknown> {
    let rows = signed(rows.to_vec());
    let columns: Vec<Unknown> = parameters
        .iter()
        .copied()
        .filter(|parameter| rows.iter().any(|row| row.contains_key(parameter)))
        .collect();
    let (k, n) = (rows.len(), columns.len());
    if k == 0 || (n + k) * n > LARGEST_TABLEAU {
        return BTreeSet::new();
    }
    // By the simplex method with exact numbers: maximise `Σ t` subject to `t ≤ Σ multiplier · row`, `t ≤ 1`, all
    // at least 0. To start from 0 is allowed.
    let mut tableau = Tableau::new(n + k);
    for (index, parameter) in columns.iter().enumerate() {
        let mut row = vec![Rational::zero(); n + k];
        row[index] = Rational::one();
        for (multiplier, exponents) in rows.iter().enumerate() {
            if let Some(exponent) = exponents.get(parameter) {
                row[n + multiplier] = -exponent.clone();
            }
        }
        tableau.at_most(row, Rational::zero());
        let mut bound = vec![Rational::zero(); n + k];
        bound[index] = Rational::one();
        tableau.at_most(bound, Rational::one());
    }
    let gain = (0..n + k).map(|variable| Rational::from_integer(i32::from(variable < n).into()));
    let found = tableau.maximise(gain.collect());
    let support = columns.iter().zip(found);
    support
        .filter(|(_, t)| t.is_positive())
        .map(|(parameter, _)| *parameter)
        .collect()
}

/// Cells of a tableau above which nothing is claimed of a block: far above any network's.
pub(super) const LARGEST_TABLEAU: usize = 4_000_000;

/// The rows that may have a multiplier other than 0, turned so that it is positive, or both ways.
///
/// A column that one row has alone gives the sign of its multiplier; a column in which every row then is
/// negative leaves none of them.
pub(super) fn signed(mut rows: Vec<Exponents>) -> Vec<Exponents> {
    loop {
        let mut columns: BTreeMap<Unknown, Vec<usize>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            for parameter in row.keys() {
                columns.entry(*parameter).or_default().push(index);
            }
        }
        let mut dropped: BTreeSet<usize> = BTreeSet::new();
        let mut turned: BTreeMap<usize, bool> = BTreeMap::new();
        for (parameter, users) in &columns {
            if let [only] = users[..] {
                let turn = rows[only][parameter].is_negative();
                if *turned.entry(only).or_insert(turn) != turn {
                    dropped.insert(only);
                }
            }
        }
        let signs: BTreeSet<usize> = turned.keys().copied().collect();
        for (index, turn) in turned {
            if turn {
                rows[index] = negated(&rows[index]);
            }
        }
        for (parameter, users) in &columns {
            let is_negative =
                |row: &usize| signs.contains(row) && rows[*row][parameter].is_negative();
            if users.iter().all(is_negative) {
                dropped.extend(users);
            }
        }
        if dropped.is_empty() {
            let either = (0..rows.len()).filter(|row| !signs.contains(row));
            let turned: Vec<Exponents> = either.map(|row| negated(&rows[row])).collect();
            rows.extend(turned);
            return rows;
        }
        let kept = rows.into_iter().enumerate();
        rows = kept
            .filter(|(index, _)| !dropped.contains(index))
            .map(|(_, row)| row)
            .collect();
    }
}

fn negated(row: &Exponents) -> Exponents {
    row.iter().map(|(&parameter, e)| (parameter, -e)).collect()
}

/// `rows · x ≤ bounds`, `x ≥ 0`, in the dictionary of a basis.
pub(super) struct Tableau {
    rows: Vec<Vec<Rational>>,
    bounds: Vec<Rational>,
    /// The variable that each row is solved for; slacks are numbered after the others.
    basic: Vec<usize>,
    /// The variable of each column.
    free: Vec<usize>,
}

impl Tableau {
    pub(super) fn new(width: usize) -> Self {
        Self {
            rows: Vec::new(),
            bounds: Vec::new(),
            basic: Vec::new(),
            free: (0..width).collect(),
        }
    }

    pub(super) fn at_most(&mut self, row: Vec<Rational>, bound: Rational) {
        self.basic.push(self.free.len() + self.rows.len());
        self.rows.push(row);
        self.bounds.push(bound);
    }

    /// The values of the variables where `gain · x`, which must be bounded, is largest. Bland's rule: it ends.
    pub(super) fn maximise(mut self, mut gain: Vec<Rational>) -> Vec<Rational> {
        let count = gain.len();
        loop {
            let entering = (0..gain.len())
                .filter(|&column| gain[column].is_positive())
                .min_by_key(|&column| self.free[column]);
            let Some(column) = entering else { break };
            let leaving = (0..self.rows.len())
                .filter(|&row| self.rows[row][column].is_positive())
                .min_by_key(|&row| {
                    let ratio = &self.bounds[row] / &self.rows[row][column];
                    (ratio, self.basic[row])
                });
            // The objective is bounded.
            let Some(row) = leaving else { break };
            self.exchange(row, column, &mut gain);
        }
        let mut values = vec![Rational::zero(); count];
        for (basic, bound) in self.basic.iter().zip(self.bounds) {
            if let Some(value) = values.get_mut(*basic) {
                *value = bound;
            }
        }
        values
    }

    fn exchange(&mut self, row: usize, column: usize, gain: &mut [Rational]) {
        let inverse = Rational::one() / &self.rows[row][column];
        for (place, entry) in self.rows[row].iter_mut().enumerate() {
            *entry = if place == column {
                inverse.clone()
            } else {
                &*entry * &inverse
            };
        }
        self.bounds[row] *= &inverse;
        let (pivot, bound) = (self.rows[row].clone(), self.bounds[row].clone());
        let eliminate = |entries: &mut [Rational]| {
            let factor = entries[column].clone();
            if factor.is_zero() {
                return factor;
            }
            for (place, (entry, pivot)) in entries.iter_mut().zip(&pivot).enumerate() {
                if place == column {
                    *entry = -(&factor * pivot);
                } else if !pivot.is_zero() {
                    *entry -= &factor * pivot;
                }
            }
            factor
        };
        for other in 0..self.rows.len() {
            if other != row {
                let factor = eliminate(&mut self.rows[other]);
                self.bounds[other] -= factor * &bound;
            }
        }
        eliminate(gain);
        std::mem::swap(&mut self.basic[row], &mut self.free[column]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positive(rows: [&[(Unknown, i64)]; 2]) -> Vec<Unknown> {
        let row = |row: &[(Unknown, i64)]| {
            let entries = row.iter().copied();
            entries
                .map(|(parameter, e)| (parameter, Rational::from_integer(e.into())))
                .collect()
        };
        let basis = rows.map(row).into();
        Block { basis }.positive().into_iter().collect()
    }

    /// Neither row makes up for the other's negative entry first: only both at once do, 3 : 2.
    #[test]
    fn rows_that_help_each_other() {
        let rows: [&[_]; 2] = [&[(0, 1), (2, 1), (3, -1)], &[(1, 1), (2, -1), (3, 2)]];
        assert_eq!(positive(rows), [0, 1, 2, 3]);
    }

    #[test]
    fn rows_that_do_not() {
        let rows: [&[_]; 2] = [&[(0, 1), (2, 1), (3, -1)], &[(1, 1), (2, -2), (3, 1)]];
        assert_eq!(positive(rows), [0; 0]);
    }
}
