//! The finest direct sum that a space of exponents is.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use super::work::{Work, size};
use super::{Rational, Solution, Unknown};

/// Exponents of parameters, those that are not 0.
pub(crate) type Exponents = BTreeMap<Unknown, Rational>;

/// A summand of the space of solutions: exponents that depend on each other and on no other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    /// A basis. Each vector has a parameter that no other has.
    pub(crate) basis: Vec<Exponents>,
}

impl Block {
    /// The parameters of the block.
    pub(crate) fn parameters(&self) -> BTreeSet<Unknown> {
        self.basis
            .iter()
            .flat_map(|row| row.keys().copied())
            .collect()
    }
}

/// The blocks of the solutions, in the order of their first parameters; `None` if they take more than so much work.
///
/// The finest decomposition into a direct sum along parameters is unique: the connected components of the
/// matroid of the space, which in a reduced basis are those of its rows linked by shared columns.
pub(crate) fn blocks(
    solution: &Solution,
    parameters: usize,
    work: &mut Work,
) -> Option<Vec<Block>> {
    let mut basis: BTreeMap<Unknown, Exponents> = BTreeMap::new();
    for parameter in 0..parameters {
        for (free, coefficient) in solution.value(parameter).terms() {
            let row = basis.entry(free).or_default();
            row.insert(parameter, coefficient.clone());
        }
    }
    let rows = reduced(basis.into_values().collect(), work)?;
    let mut blocks: BTreeMap<Unknown, Block> = BTreeMap::new();
    for (first, rows) in components(&rows) {
        let basis = rows.into_iter().map(primitive).collect();
        blocks.insert(first, Block { basis });
    }
    Some(blocks.into_values().collect())
}

/// The same space, each row with a column of its own; zero rows left out.
fn reduced(mut rows: Vec<Exponents>, work: &mut Work) -> Option<Vec<Exponents>> {
    let mut columns: BTreeMap<Unknown, BTreeSet<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        for parameter in row.keys() {
            columns.entry(*parameter).or_default().insert(index);
        }
    }
    for index in 0..rows.len() {
        // The column that fewest others have: often none has it, and nothing is to be done.
        let pivot = rows[index]
            .keys()
            .copied()
            .min_by_key(|parameter| columns.get(parameter).map_or(0, BTreeSet::len));
        let Some(pivot) = pivot else { continue };
        let own = rows[index].clone();
        let cost: u64 = own.values().map(size).sum();
        let others = columns.get(&pivot).cloned().unwrap_or_default();
        for other in others.into_iter().filter(|&other| other != index) {
            let factor = -&rows[other][&pivot] / &own[&pivot];
            work.take(cost + own.len() as u64 * size(&factor))?;
            for (parameter, exponent) in &own {
                let entry = rows[other].entry(*parameter).or_default();
                *entry += &factor * exponent;
                let users = columns.entry(*parameter).or_default();
                if entry.is_zero() {
                    rows[other].remove(parameter);
                    users.remove(&other);
                } else {
                    users.insert(other);
                }
            }
        }
    }
    rows.retain(|row| !row.is_empty());
    Some(rows)
}

/// Rows linked by shared columns, by their first column.
fn components(rows: &[Exponents]) -> BTreeMap<Unknown, Vec<&Exponents>> {
    let mut group: Vec<usize> = (0..rows.len()).collect();
    fn root(group: &mut [usize], mut index: usize) -> usize {
        while group[index] != index {
            group[index] = group[group[index]];
            index = group[index];
        }
        index
    }
    let mut seen: BTreeMap<Unknown, usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        for parameter in row.keys() {
            if let Some(&earlier) = seen.get(parameter) {
                let (a, b) = (root(&mut group, earlier), root(&mut group, index));
                group[a] = b;
            } else {
                seen.insert(*parameter, index);
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<&Exponents>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        members
            .entry(root(&mut group, index))
            .or_default()
            .push(row);
    }
    let first = |rows: &[&Exponents]| {
        let firsts = rows.iter().filter_map(|row| row.keys().next());
        firsts.min().copied().unwrap_or(0)
    };
    members
        .into_values()
        .map(|rows| (first(&rows), rows))
        .collect()
}

/// The shortest vector of integers in the same direction, its first entry positive unless more entries are
/// negative than not.
fn primitive(row: &Exponents) -> Exponents {
    let denominators = row
        .values()
        .fold(BigInt::one(), |least, exponent| least.lcm(exponent.denom()));
    let scaled = |exponent: &Rational| (exponent * &denominators).to_integer();
    let divisor = row.values().fold(BigInt::zero(), |common, exponent| {
        common.gcd(&scaled(exponent))
    });
    let negative = row
        .values()
        .filter(|exponent| exponent.is_negative())
        .count();
    let first_is_negative = row.values().next().is_some_and(Signed::is_negative);
    let flip = 2 * negative > row.len() || (2 * negative == row.len() && first_is_negative);
    let factor = Rational::new(denominators, if flip { -divisor } else { divisor });
    row.iter()
        .map(|(parameter, exponent)| (*parameter, exponent * &factor))
        .collect()
}
