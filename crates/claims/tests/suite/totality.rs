//! Whatever a claim and its evidence are, there is an outcome or a sentence, and no number that is not one counts.

use claims::{
    Claim, Closes, Equivalent, Greater, Over, Predicate, Range, Slope, Span, Verdict, evaluate,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::common::Seed;

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -3.0..3.0, 1 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

fn any_over() -> impl Strategy<Value = Over> {
    prop_oneof![
        (0..6_usize).prop_map(Over::Last),
        Just(Over::Last(usize::MAX)),
        [0.0..3.0, 3.0..9.0].prop_map(Over::Between),
        [any_number(), any_number()].prop_map(Over::Between),
    ]
}

/// Of any kind, by thresholds that may be anything.
fn any_predicate() -> impl Strategy<Value = Predicate> {
    let thresholds = (any_number(), any_number(), any_number());
    (0..6, any_over(), any_over(), thresholds).prop_map(|(kind, over, closed, (x, y, z))| {
        let (a, b, of) = ("a/y".to_owned(), "b/y".to_owned(), "a/y".to_owned());
        let confidence = if z > 0.5 { z } else { 0.9 };
        match kind {
            0 => Predicate::Equivalent(Equivalent {
                a,
                b,
                over,
                margin: x,
                confidence,
            }),
            1 => Predicate::Greater(Greater {
                a,
                b,
                over,
                by: x,
                confidence,
            }),
            2 => Predicate::Closes(Closes {
                a,
                b,
                open: over,
                by: x,
                closed,
                to: y,
                confidence,
            }),
            3 => Predicate::Slope(Slope {
                of,
                over,
                within: [x, y],
            }),
            4 => Predicate::Range(Range {
                of,
                over,
                within: [x, y],
            }),
            _ => Predicate::Span(Span {
                of,
                over,
                at_most: x,
            }),
        }
    })
}

fn any_claim() -> impl Strategy<Value = Claim> {
    any_predicate().prop_map(|predicate| Claim {
        id: "claim".to_owned(),
        says: "so it is".to_owned(),
        source: "the paper".to_owned(),
        predicate,
    })
}

/// Mostly as they should be: `x` are 1, 2, …
fn any_seeds() -> impl Strategy<Value = Vec<Seed>> {
    let fine = |y| vec(y, 6).prop_map(|ys| (1..).map(f64::from).zip(ys).collect());
    let series = prop_oneof![
        6 => fine((-3.0..3.0).boxed()),
        1 => fine(any_number().boxed()),
        1 => vec((any_number(), any_number()), 1..6),
    ];
    let seed = (series.clone(), series).prop_map(|(a, b)| {
        let named = [("a/y".to_owned(), a), ("b/y".to_owned(), b)];
        Seed(named.into_iter().collect())
    });
    vec(seed, 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..Default::default() })]

    #[test]
    fn there_is_always_an_answer(claim in any_claim(), seeds in any_seeds()) {
        let sentence = match evaluate(&claim, &seeds) {
            Ok(outcome) => outcome.to_string(),
            Err(error) => error.to_string(),
        };
        prop_assert!(!sentence.is_empty());
    }

    /// Whichever value it is: if the claim is about it, the claim is not reproduced, and if not, nothing changes.
    #[test]
    fn a_run_that_diverged_bears_no_claim_out(
        claim in any_claim(), seeds in any_seeds(), which in any::<prop::sample::Index>(), in_b in any::<bool>(),
    ) {
        let before = evaluate(&claim, &seeds);
        let mut diverged = seeds.clone();
        let seed = which.index(seeds.len());
        let series = diverged[seed].0.get_mut(if in_b { "b/y" } else { "a/y" }).unwrap();
        let point = which.index(series.len());
        series[point].1 = f64::NAN;
        let after = evaluate(&claim, &diverged);
        let refuted = after.as_ref().is_ok_and(|after| after.verdict == Verdict::NotReproduced);
        // NaN is not equal to itself, but reads the same.
        let (before, after) = (format!("{before:?}"), format!("{after:?}"));
        prop_assert!(refuted || after == before, "{before} became {after}");
    }
}
