//! Intervals, tests and slopes against values that scipy gave; `data/scipy.py` made them.

use claims::{Interval, Verdict};
use serde::Deserialize;

use crate::common::{Seed, claim, outcome, verdict};

#[derive(Deserialize)]
struct Stored {
    quantiles: Vec<Quantile>,
    tests: Vec<Test>,
    slopes: Vec<Slope>,
}

#[derive(Deserialize)]
struct Quantile {
    freedom: usize,
    confidence: f64,
    quantile: f64,
}

/// `p` of the hypotheses that a mean difference is not inside `±margin`, not outside, not above `by`, not below.
#[derive(Deserialize)]
struct Test {
    a: Vec<f64>,
    b: Vec<f64>,
    lower: f64,
    upper: f64,
    margin: f64,
    p_inside: f64,
    p_outside: f64,
    by: f64,
    p_above: f64,
    p_below: f64,
}

#[derive(Deserialize)]
struct Slope {
    x: Vec<f64>,
    y: Vec<f64>,
    slope: f64,
}

fn stored() -> Stored {
    serde_json::from_str(include_str!("../data/scipy.json")).unwrap()
}

fn close(ours: f64, theirs: f64, tolerance: f64) -> bool {
    (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0)
}

fn decided(p_for: f64, p_against: f64) -> Verdict {
    match (p_for < 0.05, p_against < 0.05) {
        (true, _) => Verdict::Reproduced,
        (_, true) => Verdict::NotReproduced,
        _ => Verdict::NotDecided,
    }
}

#[test]
fn quantiles_are_those_of_scipy() {
    let mut checked = 0;
    for Quantile {
        freedom,
        confidence,
        quantile,
    } in stored().quantiles
    {
        // Of n values, half of them 1 and half −1 or nearly so, whose s/√n is known.
        let n = freedom + 1;
        let values: Vec<f64> = (0..n)
            .map(|i| if i % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let Some(interval) = Interval::of_mean(&values, confidence) else {
            assert!(n < Interval::MIN_VALUES);
            continue;
        };
        let mean = values.iter().sum::<f64>() / n as f64;
        let error = ((n as f64 * (1.0 - mean * mean)) / (freedom as f64 * n as f64)).sqrt();
        let ours = interval.half_width / error;
        assert!(
            close(ours, quantile, 1e-10),
            "{freedom} {confidence}: {ours} {quantile}"
        );
        checked += 1;
    }
    assert_eq!(checked, 72);
}

#[test]
fn paired_tests_decide_as_scipys_do() {
    let tests = stored().tests;
    assert_eq!(tests.len(), 48);
    for test in tests {
        let differences: Vec<f64> = test.a.iter().zip(&test.b).map(|(a, b)| a - b).collect();
        let interval = Interval::of_mean(&differences, 0.9).unwrap();
        assert!(close(interval.lower(), test.lower, 1e-11));
        assert!(close(interval.upper(), test.upper, 1e-11));
        let pairs = test.a.iter().zip(&test.b);
        let seeds: Vec<Seed> = pairs
            .map(|(&a, &b)| Seed::new(&[("a/y", &[a]), ("b/y", &[b])]))
            .collect();
        let series = r#"a = "a/y", b = "b/y", over = { last = 1 }"#;
        let equivalent = format!("kind = \"equivalent\", {series}, margin = {}", test.margin);
        let expected = decided(test.p_inside, test.p_outside);
        assert_eq!(verdict(&claim(&equivalent), &seeds), expected);
        let greater = format!("kind = \"greater\", {series}, by = {}", test.by);
        let expected = decided(test.p_above, test.p_below);
        assert_eq!(verdict(&claim(&greater), &seeds), expected);
    }
}

#[test]
fn slopes_are_those_of_scipy() {
    let slopes = stored().slopes;
    assert_eq!(slopes.len(), 12);
    for Slope { x, y, slope } in slopes {
        let mut seed = Seed::default();
        let points = x.into_iter().zip(y).collect();
        seed.0.insert("a/y".to_owned(), points);
        let about = |low: f64, high: f64| {
            let within = format!("[{:?}, {:?}]", slope + low, slope + high);
            let over = "over = { between = [0, inf] }";
            claim(&format!(
                "kind = \"slope\", of = \"a/y\", {over}, within = {within}"
            ))
        };
        let seeds = [seed];
        let inside = outcome(&about(-1e-11, 1e-11), &seeds);
        assert_eq!(inside.verdict, Verdict::Reproduced, "{slope}: {inside}");
        assert_eq!(verdict(&about(1e-11, 1.0), &seeds), Verdict::NotReproduced);
        assert_eq!(
            verdict(&about(-1.0, -1e-11), &seeds),
            Verdict::NotReproduced
        );
    }
}
