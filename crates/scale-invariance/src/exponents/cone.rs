//! Which exponents of a block can be positive while none is negative.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::{One, Signed, Zero};

use super::blocks::Exponents;
use super::work::{LOOK, Work, size};
use super::{Block, Rational, Unknown};

/// Cells of a tableau above which nothing is claimed of a block.
pub(super) const LARGEST_TABLEAU: usize = 1_000_000;

impl Block {
    /// The parameters that have a positive exponent in some solution without negative ones, as far as is found with so
    /// much work, which is taken off.
    ///
    /// Such solutions can be added, so that one of them has all these parameters at once.
    pub(crate) fn positive(&self, work: &mut Work) -> BTreeSet<Unknown> {
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
        positive.extend(largest_support(rows, &rest, work));
        positive
    }

    /// What is found without search: a row whose negative entries are all made up for adds its positive ones.
    fn covered(&self) -> BTreeSet<Unknown> {
        // Each row both ways: what is not yet made up for in it, and the rows in which a parameter is to be.
        let is_positive = |e: &Rational, way: usize| e.is_positive() == (way == 0);
        let mut missing: Vec<usize> = Vec::with_capacity(2 * self.basis.len());
        let mut users: BTreeMap<Unknown, Vec<usize>> = BTreeMap::new();
        for (row, way) in (0..2 * self.basis.len()).map(|turned| (turned / 2, turned % 2)) {
            let negative = self.basis[row].iter().filter(|(_, e)| !is_positive(e, way));
            let negative: Vec<Unknown> = negative.map(|(parameter, _)| *parameter).collect();
            for parameter in &negative {
                users.entry(*parameter).or_default().push(missing.len());
            }
            missing.push(negative.len());
        }
        let mut positive = BTreeSet::new();
        let mut open: Vec<usize> = (0..missing.len()).filter(|&at| missing[at] == 0).collect();
        while let Some(turned) = open.pop() {
            for (&parameter, e) in &self.basis[turned / 2] {
                if is_positive(e, turned % 2) && positive.insert(parameter) {
                    for &user in users.get(&parameter).into_iter().flatten() {
                        missing[user] -= 1;
                        if missing[user] == 0 {
                            open.push(user);
                        }
                    }
                }
            }
        }
        positive
    }
}

/// The parameters that are positive in some combination of rows without negative entries.
fn largest_support(
    rows: Vec<Exponents>,
    parameters: &BTreeSet<Unknown>,
    work: &mut Work,
) -> BTreeSet<Unknown> {
    let rows = signed(rows, work);
    let used: BTreeSet<Unknown> = rows.iter().flat_map(|row| row.keys().copied()).collect();
    let columns: Vec<Unknown> = parameters.intersection(&used).copied().collect();
    let (k, n) = (rows.len(), columns.len());
    let cells = 2 * n * (n + k);
    if k == 0 || cells > LARGEST_TABLEAU || work.take(LOOK * cells as u64).is_none() {
        return BTreeSet::new();
    }
    // By the simplex method with exact numbers: maximise `Σ t` subject to `t ≤ Σ multiplier · row`, `t ≤ 1`, all
    // at least 0. To start from 0 is allowed.
    let mut tableau = Tableau::new(n + k, work);
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

/// The rows that may have a multiplier other than 0, turned so that it is positive, or both ways.
///
/// A column that one row has alone gives the sign of its multiplier; a column in which every row then is
/// negative leaves none of them. Without enough work, none at all.
pub(super) fn signed(mut rows: Vec<Exponents>, work: &mut Work) -> Vec<Exponents> {
    loop {
        let entries: usize = rows.iter().map(BTreeMap::len).sum();
        if work.take(LOOK * entries as u64).is_none() {
            return Vec::new();
        }
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
pub(super) struct Tableau<'a> {
    rows: Vec<Vec<Rational>>,
    bounds: Vec<Rational>,
    /// The variable that each row is solved for; slacks are numbered after the others.
    basic: Vec<usize>,
    /// The variable of each column.
    free: Vec<usize>,
    /// What may still be spent.
    work: &'a mut Work,
}

impl<'a> Tableau<'a> {
    pub(super) fn new(width: usize, work: &'a mut Work) -> Self {
        Self {
            rows: Vec::new(),
            bounds: Vec::new(),
            basic: Vec::new(),
            free: (0..width).collect(),
            work,
        }
    }

    pub(super) fn at_most(&mut self, row: Vec<Rational>, bound: Rational) {
        self.basic.push(self.free.len() + self.rows.len());
        self.rows.push(row);
        self.bounds.push(bound);
    }

    /// The values of the variables where `gain · x`, which must be bounded, is largest. Bland's rule: it ends. Without
    /// enough work, values that are possible, too, with less gain.
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
            let cost = self.cost(row, column);
            if self.work.take(cost).is_none() {
                break;
            }
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

    /// Work of an exchange, and of the search for it.
    fn cost(&self, row: usize, column: usize) -> u64 {
        let pivots = self.rows[row].iter().enumerate();
        let pivots = pivots.filter(|(_, pivot)| !pivot.is_zero());
        let pivots: Vec<(usize, u64)> = pivots.map(|(place, pivot)| (place, size(pivot))).collect();
        let rows = self.rows.iter().filter(|row| !row[column].is_zero());
        let eliminations = rows.map(|row| {
            let entries = pivots
                .iter()
                .map(|(place, pivot)| pivot + size(&row[*place]));
            entries.sum::<u64>() + pivots.len() as u64 * size(&row[column])
        });
        let zeros = self.rows.len() * self.free.len() / 8;
        eliminations.sum::<u64>() + zeros as u64
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
mod tests;
