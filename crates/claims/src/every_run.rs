//! What is true of every run, whatever the seed.

use crate::Verdict;
use crate::number::{number, seeds as count};
use crate::predicate::Judged;

/// Whether a number, or all numbers from a smallest to a largest, lie within bounds (both included) in every seed.
///
/// Reproduced if they do in every seed, not if they do in none, and else not decided. If seeds came out on either side by
/// chance, `n` of them would be unanimous for the claim in one of 2ⁿ experiments.
pub(crate) fn every_run(what: &str, found: &[(f64, f64)], [lowest, highest]: [f64; 2]) -> Judged {
    let inside = found
        .iter()
        .filter(|(smallest, largest)| lowest <= *smallest && *largest <= highest)
        .count();
    let n = found.len();
    let verdict = match inside {
        inside if inside == n => Verdict::Reproduced,
        0 => Verdict::NotReproduced,
        _ => Verdict::NotDecided,
    };
    let smallest = found.iter().fold(f64::INFINITY, |all, one| all.min(one.0));
    let largest = found
        .iter()
        .fold(f64::NEG_INFINITY, |all, one| all.max(one.1));
    let values = match smallest == largest {
        true => number(smallest),
        false => format!("from {} to {}", number(smallest), number(largest)),
    };
    let bounds = match (lowest == f64::NEG_INFINITY, highest == f64::INFINITY) {
        (true, _) => format!("at most {highest}"),
        (_, true) => format!("at least {lowest}"),
        _ => format!("inside [{lowest}, {highest}]"),
    };
    let lie = match verdict {
        Verdict::Reproduced => bounds,
        Verdict::NotReproduced => format!("not {bounds}"),
        Verdict::NotDecided => format!("{bounds} in {inside} only"),
    };
    (verdict, format!("{what} {values} in {}, {lie}", count(n)))
}
