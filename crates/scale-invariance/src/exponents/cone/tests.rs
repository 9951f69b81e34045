//! Small blocks against all combinations, and large ones against the end of the work.

use proptest::prelude::*;

use super::*;

fn block(rows: &[Vec<i64>]) -> Block {
    let row = |row: &Vec<i64>| {
        let entries = row.iter().copied().enumerate().filter(|(_, e)| *e != 0);
        entries
            .map(|(parameter, e)| (parameter, Rational::from_integer(e.into())))
            .collect()
    };
    Block {
        basis: rows.iter().map(row).collect(),
    }
}

fn positive(rows: &[Vec<i64>], mut work: Work) -> Vec<Unknown> {
    block(rows).positive(&mut work).into_iter().collect()
}

/// Neither row makes up for the other's negative entry first: only both at once do, 3 : 2.
#[test]
fn rows_that_help_each_other() {
    let rows = [vec![1, 0, 1, -1], vec![0, 1, -1, 2]];
    assert_eq!(positive(&rows, Work::of(0)), [0, 1, 2, 3]);
}

#[test]
fn rows_that_do_not() {
    let rows = [vec![1, 0, 1, -1], vec![0, 1, -2, 1]];
    assert_eq!(positive(&rows, Work::of(0)), [0; 0]);
}

/// What some combination with small multipliers shows, over all of them.
fn shown(rows: &[Vec<i64>]) -> BTreeSet<Unknown> {
    const MOST: i64 = 4;
    let mut shown = BTreeSet::new();
    for choice in 0..(2 * MOST + 1).pow(rows.len() as u32) {
        let digit = |row| choice / (2 * MOST + 1).pow(row) % (2 * MOST + 1) - MOST;
        let sum = |column: usize| {
            let entries = (0..)
                .zip(rows)
                .map(|(row, entries)| digit(row) * entries[column]);
            entries.sum::<i64>()
        };
        let sums: Vec<i64> = (0..rows[0].len()).map(sum).collect();
        if sums.iter().all(|&sum| sum >= 0) {
            shown.extend((0..sums.len()).filter(|&column| sums[column] > 0));
        }
    }
    shown
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_that_combinations_show(rows in proptest::collection::vec(proptest::collection::vec(-1i64..2, 6), 1..4)) {
        let found: BTreeSet<Unknown> = positive(&rows, Work::of(0)).into_iter().collect();
        prop_assert_eq!(found, shown(&rows));
    }
}

/// Numbers of `−3..=3`, the same at every call.
fn dense(rows: usize, columns: usize) -> Vec<Vec<i64>> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % 7 - 3
    };
    let own = |row: usize| (0..rows).map(move |other| i64::from(row == other));
    (0..rows)
        .map(|row| own(row).chain((0..columns).map(|_| next())).collect())
        .collect()
}

#[test]
fn with_less_work_less_is_claimed_and_nothing_else() {
    let rows = dense(12, 8);
    let all = positive(&rows, Work::of(0));
    assert_eq!(all.len(), 20);
    let mut counts = BTreeSet::new();
    for work in (0..40).map(|tenths| 20_000 * tenths) {
        let found = positive(&rows, Work(work));
        assert!(
            found.iter().all(|parameter| all.contains(parameter)),
            "{work}"
        );
        counts.insert(found.len());
    }
    assert!(counts.len() > 2, "{counts:?}");
}

/// Of the largest tableau that is searched, and one beyond; without an end to the work the first takes hours.
#[test]
fn the_work_has_an_end() {
    for (rows, columns) in [(140, 140), (60, 60), (400, 400)] {
        let mut work = Work::of(0);
        block(&dense(rows, columns)).positive(&mut work);
        assert!(work.0 < Work::of(0).0, "{rows} rows, {columns} columns");
    }
}
