//! Laws of verdicts.

use claims::{Claim, Verdict};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

use crate::common::{Seed, claim, differences, verdict};

const SERIES: &str = r#"a = "a/y", b = "b/y""#;
const SWAPPED: &str = r#"a = "b/y", b = "a/y""#;

fn equivalent(series: &str, margin: f64) -> Claim {
    claim(&format!(
        "kind = \"equivalent\", {series}, over = {{ last = 1 }}, margin = {margin:?}"
    ))
}

fn greater(series: &str, by: f64) -> Claim {
    claim(&format!(
        "kind = \"greater\", {series}, over = {{ last = 1 }}, by = {by:?}"
    ))
}

fn range(within: [f64; 2]) -> Claim {
    let [lowest, highest] = within;
    claim(&format!(
        "kind = \"range\", of = \"a/y\", over = {{ last = 1 }}, within = [{lowest:?}, {highest:?}]"
    ))
}

/// In how many of so many experiments with `seeds` seeds, whose difference is normal, the verdict is this.
fn share(claim: &Claim, wanted: Verdict, seeds: usize, mean: f64, deviation: f64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(7 + seeds as u64);
    let normal = Normal::new(mean, deviation).unwrap();
    let experiments = 4000;
    let found = (0..experiments)
        .map(|_| (0..seeds).map(|_| normal.sample(&mut random)).collect())
        .filter(|drawn: &Vec<f64>| verdict(claim, &differences(drawn)) == wanted)
        .count();
    found as f64 / f64::from(experiments)
}

/// Three standard errors above 5 % in 4000 experiments.
const AT_MOST: f64 = 0.05 + 3.0 * 0.0034;

/// And above 10 %: an interval may be beyond a margin on either side.
const AT_MOST_ON_EITHER_SIDE: f64 = 0.1 + 3.0 * 0.0047;

#[test]
fn what_is_false_is_reproduced_in_at_most_one_of_twenty_experiments() {
    let (same, more) = (equivalent(SERIES, 1.0), greater(SERIES, 1.0));
    for seeds in [3, 5, 10] {
        for deviation in [0.05, 0.3, 1.0, 5.0] {
            for mean in [1.0, -1.0, 1.3] {
                let wrong = share(&same, Verdict::Reproduced, seeds, mean, deviation);
                assert!(
                    wrong <= AT_MOST,
                    "{seeds} seeds, {mean} ± {deviation}: {wrong}"
                );
            }
            for mean in [1.0, 0.9] {
                let wrong = share(&more, Verdict::Reproduced, seeds, mean, deviation);
                assert!(
                    wrong <= AT_MOST,
                    "{seeds} seeds, {mean} ± {deviation}: {wrong}"
                );
            }
        }
    }
}

#[test]
fn what_is_true_is_seldom_taken_for_refuted() {
    let (same, more) = (equivalent(SERIES, 1.0), greater(SERIES, 1.0));
    for seeds in [3, 5, 10] {
        for deviation in [0.05, 0.3, 1.0, 5.0] {
            for mean in [1.0, 0.5] {
                let wrong = share(&same, Verdict::NotReproduced, seeds, mean, deviation);
                let case = format!("{seeds} seeds, {mean} ± {deviation}: {wrong}");
                assert!(wrong <= AT_MOST_ON_EITHER_SIDE, "{case}");
            }
            let wrong = share(&more, Verdict::NotReproduced, seeds, 1.0, deviation);
            assert!(wrong <= AT_MOST, "{seeds} seeds, ± {deviation}: {wrong}");
        }
    }
}

/// Without this, a judge who never decides would pass.
#[test]
fn the_tests_are_no_more_cautious_than_they_must_be() {
    let (same, more) = (equivalent(SERIES, 1.0), greater(SERIES, 1.0));
    let least = 0.05 - 3.0 * 0.0034;
    for seeds in [3, 5, 10] {
        assert!(share(&same, Verdict::Reproduced, seeds, 1.0, 0.1) >= least);
        assert!(share(&more, Verdict::Reproduced, seeds, 1.0, 0.1) >= least);
        assert!(share(&same, Verdict::NotReproduced, seeds, 1.0, 0.1) >= least);
    }
    assert!(share(&same, Verdict::Reproduced, 5, 0.0, 0.3) > 0.99);
    assert!(share(&same, Verdict::NotReproduced, 5, 2.0, 0.3) > 0.99);
}

/// A verdict on noisier evidence may be less decided, and nothing else.
fn fades(before: Verdict, after: Verdict) -> bool {
    after == before || after == Verdict::NotDecided
}

fn some_differences() -> impl Strategy<Value = Vec<f64>> {
    let around = (-3.0..3.0, 0.0..1.0);
    around.prop_flat_map(|(mean, deviation): (f64, f64)| {
        let value = (-1.0..1.0).prop_map(move |noise: f64| mean + deviation * noise);
        prop::collection::vec(value, 1..8)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..Default::default() })]

    #[test]
    fn equivalence_does_not_care_which_is_which(values in some_differences(), margin in 0.01..4.0) {
        let seeds = differences(&values);
        prop_assert_eq!(
            verdict(&equivalent(SERIES, margin), &seeds),
            verdict(&equivalent(SWAPPED, margin), &seeds)
        );
    }

    #[test]
    fn what_is_greater_is_not_less(values in some_differences(), by in -4.0..4.0) {
        let seeds = differences(&values);
        let opposite = match verdict(&greater(SERIES, by), &seeds) {
            Verdict::Reproduced => Verdict::NotReproduced,
            Verdict::NotReproduced => Verdict::Reproduced,
            Verdict::NotDecided => Verdict::NotDecided,
        };
        prop_assert_eq!(verdict(&greater(SWAPPED, -by), &seeds), opposite);
    }

    #[test]
    fn the_order_of_seeds_does_not_matter(
        (values, shuffled) in some_differences().prop_flat_map(|values| {
            (Just(values.clone()), Just(values).prop_shuffle())
        }),
        bound in 0.01..4.0,
    ) {
        let (seeds, shuffled) = (differences(&values), differences(&shuffled));
        for claim in [equivalent(SERIES, bound), greater(SERIES, bound), range([-bound, bound])] {
            prop_assert_eq!(verdict(&claim, &seeds), verdict(&claim, &shuffled));
        }
    }

    #[test]
    fn noise_moves_verdicts_only_toward_not_decided(
        values in some_differences(), noise in 1.0..20.0, bound in 0.01..4.0,
    ) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let noisier: Vec<f64> = values.iter().map(|value| mean + noise * (value - mean)).collect();
        for claim in [equivalent(SERIES, bound), greater(SERIES, bound), greater(SERIES, -bound)] {
            let before = verdict(&claim, &differences(&values));
            let after = verdict(&claim, &differences(&noisier));
            prop_assert!(fades(before, after), "{before} became {after}");
        }
    }

    #[test]
    fn more_confidence_moves_verdicts_only_toward_not_decided(
        values in some_differences(), bound in 0.01..4.0, low in 0.5..0.9, high in 0.9..0.999,
    ) {
        let seeds = differences(&values);
        let kinds = [
            format!("kind = \"equivalent\", {SERIES}, margin = {bound:?}"),
            format!("kind = \"greater\", {SERIES}, by = {bound:?}"),
        ];
        for kind in kinds {
            let at = |confidence: f64| {
                claim(&format!("{kind}, over = {{ last = 1 }}, confidence = {confidence:?}"))
            };
            prop_assert!(fades(verdict(&at(low), &seeds), verdict(&at(high), &seeds)));
        }
    }

    #[test]
    fn a_wider_margin_never_takes_a_reproduction_back(
        values in some_differences(), margin in 0.01..4.0, wider in 1.0..3.0,
    ) {
        let seeds = differences(&values);
        if verdict(&equivalent(SERIES, margin), &seeds) == Verdict::Reproduced {
            let wide = verdict(&equivalent(SERIES, wider * margin), &seeds);
            prop_assert_eq!(wide, Verdict::Reproduced);
        }
    }

    #[test]
    fn units_do_not_matter(values in some_differences(), bound in 0.01..4.0, exponent in -30..30) {
        let unit = 2f64.powi(exponent);
        let scaled: Vec<f64> = values.iter().map(|value| unit * value).collect();
        let claims: [fn(f64) -> Claim; 3] = [
            |bound| equivalent(SERIES, bound),
            |bound| greater(SERIES, bound),
            |bound| range([-bound, bound]),
        ];
        for claim in claims {
            prop_assert_eq!(
                verdict(&claim(bound), &differences(&values)),
                verdict(&claim(unit * bound), &differences(&scaled))
            );
        }
    }

    #[test]
    fn too_few_seeds_never_decide_about_a_mean(values in prop::collection::vec(-9.0..9.0, 1..3)) {
        let seeds = differences(&values);
        prop_assert_eq!(verdict(&equivalent(SERIES, 1.0), &seeds), Verdict::NotDecided);
        prop_assert_eq!(verdict(&greater(SERIES, 1.0), &seeds), Verdict::NotDecided);
    }

    #[test]
    fn runs_decide_where_they_are_unanimous(values in prop::collection::vec(-2.0..2.0, 1..6)) {
        let inside = values.iter().filter(|value| (-1.0..=1.0).contains(*value)).count();
        let expected = match inside {
            0 => Verdict::NotReproduced,
            all if all == values.len() => Verdict::Reproduced,
            _ => Verdict::NotDecided,
        };
        prop_assert_eq!(verdict(&range([-1.0, 1.0]), &differences(&values)), expected);
    }

    #[test]
    fn a_line_has_its_slope_wherever_it_starts(slope in -5.0..5.0, start in -100.0..100.0, length in 2..40_usize) {
        let line: Vec<f64> = (0..length).map(|x| start + slope * x as f64).collect();
        let noisy: Vec<f64> = line.iter().enumerate().map(|(x, y)| y + (x % 2) as f64).collect();
        let seeds = [Seed::new(&[("a/y", &line), ("b/y", &noisy)])];
        let about = |of: &str, middle: f64, width: f64| claim(&format!(
            "kind = \"slope\", of = \"{of}\", over = {{ last = {length} }}, within = [{:?}, {:?}]",
            middle - width, middle + width,
        ));
        prop_assert_eq!(verdict(&about("a/y", slope, 1e-9), &seeds), Verdict::Reproduced);
        prop_assert_eq!(verdict(&about("a/y", slope + 0.1, 0.05), &seeds), Verdict::NotReproduced);
        // Noise of 0 and 1 in turns moves the slope of n points by at most 1/(n − 1).
        let most = 1.0 / (length - 1) as f64 + 1e-9;
        prop_assert_eq!(verdict(&about("b/y", slope, most), &seeds), Verdict::Reproduced);
    }
}
