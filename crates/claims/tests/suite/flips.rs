//! A claim can fail: fed the wrong runs, every predicate's verdict flips.

use claims::Verdict::{NotDecided, NotReproduced, Reproduced};

use crate::common::{Seed, claim, outcome, verdict};

/// Three seeds of what the paper's figures show, in a form that is simple.
fn seeds() -> Vec<Seed> {
    [-1.0, 0.0, 1.0].map(seed).to_vec()
}

fn seed(noise: f64) -> Seed {
    let epochs = |y: &dyn Fn(f64) -> f64| (1..=30).map(|x| y(f64::from(x))).collect::<Vec<_>>();
    let decay = epochs(&|x| 0.60 + 0.002 * noise * (x % 2.0));
    let twin = epochs(&|x| 0.601 + 0.002 * noise * (x % 3.0));
    let worse = epochs(&|_| 0.52 + 0.005 * noise);
    // Better for two epochs after a drop at 12.
    let helped = epochs(&|x| {
        0.60 + if x > 12.0 && x <= 14.0 {
            0.1
        } else {
            0.002 + 0.003 * noise
        }
    });
    let growing = epochs(&|x| 1.0 + (0.5 + 0.01 * noise) * x);
    let constant = epochs(&|x| 3.0 + 0.1 * (x + noise).sin());
    Seed::new(&[
        ("decay/accuracy", &decay),
        ("twin/accuracy", &twin),
        ("worse/accuracy", &worse),
        ("helped/accuracy", &helped),
        ("twin/ln-norm-squared", &growing),
        ("decay/ln-norm-squared", &constant),
    ])
}

/// The verdict on the right runs and the sentence, and the verdict where one run stands for another.
fn flips(predicate: &str, wrong: (&str, &str), sentence: &str) {
    let right = outcome(&claim(predicate), &seeds());
    assert_eq!(right.verdict, Reproduced, "{right}");
    assert_eq!(right.evidence, sentence);
    assert_eq!(right.to_string(), format!("{sentence}: reproduced"));
    assert!(predicate.contains(wrong.0), "nothing to replace");
    let wrong = outcome(&claim(&predicate.replace(wrong.0, wrong.1)), &seeds());
    assert_eq!(wrong.verdict, NotReproduced, "{wrong}");
}

#[test]
fn equivalent() {
    let predicate = r#"kind = "equivalent", a = "decay/accuracy", b = "twin/accuracy", over = { last = 5 }, margin = 0.01"#;
    let sentence =
        "mean difference −0.00100 over 3 seeds, 90 % interval [−0.00302, 0.00102], inside ±0.01";
    flips(predicate, ("twin", "worse"), sentence);
}

#[test]
fn greater() {
    let predicate = r#"kind = "greater", a = "decay/accuracy", b = "worse/accuracy", over = { last = 5 }, by = 0.03"#;
    let sentence =
        "mean difference +0.0800 over 3 seeds, 90 % interval [0.0729, 0.0871], above 0.03";
    flips(predicate, ("worse", "twin"), sentence);
}

const CLOSES: &str = r#"kind = "closes", a = "helped/accuracy", b = "decay/accuracy", open = { between = [13, 13] }, by = 0.05, closed = { between = [16, 24] }, to = 0.02"#;

#[test]
fn closes() {
    let sentence = "at first, mean difference +0.100 over 3 seeds, 90 % interval [0.0966, 0.103], above 0.05; \
                    later, mean difference +0.00200 over 3 seeds, 90 % interval [−0.00156, 0.00556], inside ±0.02";
    flips(CLOSES, ("helped", "twin"), sentence);
}

#[test]
fn a_gap_that_stays_open_does_not_close() {
    let wrong = CLOSES.replace("decay", "worse");
    let found = outcome(&claim(&wrong), &seeds());
    assert_eq!(found.verdict, NotReproduced);
    assert!(found.evidence.ends_with("outside ±0.02"), "{found}");
    let soon = CLOSES.replace("[16, 24]", "[14, 16]");
    assert_eq!(verdict(&claim(&soon), &seeds()), NotReproduced);
}

#[test]
fn slope() {
    let predicate = r#"kind = "slope", of = "twin/ln-norm-squared", over = { between = [5, 30] }, within = [0.4, 0.6]"#;
    let sentence = "slope from 0.490 to 0.510 in 3 seeds, inside [0.4, 0.6]";
    flips(predicate, ("twin", "decay"), sentence);
}

#[test]
fn range() {
    let predicate = r#"kind = "range", of = "decay/accuracy", over = { between = [0, inf] }, within = [0.55, inf]"#;
    let sentence = "values from 0.598 to 0.602 in 3 seeds, at least 0.55";
    flips(predicate, ("decay", "worse"), sentence);
    let predicate =
        r#"kind = "range", of = "decay/ln-norm-squared", over = { last = 9 }, within = [-inf, 4]"#;
    let sentence = "values from 2.90 to 3.10 in 3 seeds, at most 4";
    flips(predicate, ("decay", "twin"), sentence);
}

#[test]
fn span() {
    let predicate = r#"kind = "span", of = "decay/ln-norm-squared", over = { between = [5, 30] }, at_most = 0.7"#;
    let sentence = "largest minus smallest 0.199 in 3 seeds, at most 0.7";
    flips(predicate, ("decay", "twin"), sentence);
}

#[test]
fn what_one_seed_says_and_others_do_not_is_not_decided() {
    let mut seeds = seeds();
    let rises = r#"kind = "slope", of = "twin/ln-norm-squared", over = { last = 20 }, within = [0.495, 0.505]"#;
    let found = outcome(&claim(rises), &seeds);
    assert_eq!(found.verdict, NotDecided);
    assert_eq!(
        found.to_string(),
        "slope from 0.490 to 0.510 in 3 seeds, inside [0.495, 0.505] in 1 only: not decided"
    );
    seeds.remove(1);
    let found = outcome(&claim(rises), &seeds);
    assert_eq!(
        found.to_string(),
        "slope from 0.490 to 0.510 in 2 seeds, not inside [0.495, 0.505]: not reproduced"
    );
}

#[test]
fn few_or_noisy_seeds_are_not_decided_and_say_so() {
    let same = r#"kind = "equivalent", a = "decay/accuracy", b = "worse/accuracy", over = { last = 5 }, margin = 0.08"#;
    let found = outcome(&claim(same), &seeds());
    assert_eq!(
        found.to_string(),
        "mean difference +0.0800 over 3 seeds, 90 % interval [0.0729, 0.0871], \
         neither inside nor outside ±0.08: not decided"
    );
    let found = outcome(&claim(same), &seeds()[..2]);
    assert_eq!(
        found.to_string(),
        "mean difference +0.0821 over 2 seeds, of which an interval needs 3: not decided"
    );
    let more = same
        .replace("equivalent", "greater")
        .replace("margin", "by");
    let found = outcome(&claim(&more), &seeds());
    assert_eq!(
        found.to_string(),
        "mean difference +0.0800 over 3 seeds, 90 % interval [0.0729, 0.0871], \
         neither above nor below 0.08: not decided"
    );
}
