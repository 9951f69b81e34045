//! Mistakes in claims and in evidence, each a sentence.

use claims::{CheckProblem, Claim, Equivalent, EvidenceError, Over, Predicate, QUANTITIES};

use crate::common::{Seed, claim, differences, evaluate, try_claim};

const EQUIVALENT: &str =
    r#"kind = "equivalent", a = "a/y", b = "b/y", over = { last = 1 }, margin = 1"#;
const CLOSES: &str = r#"kind = "closes", a = "a/y", b = "b/y", open = { between = [1, 2] }, by = 0.2, closed = { between = [3, 9] }, to = 0.1"#;
const SLOPE: &str = r#"kind = "slope", of = "a/y", over = { last = 2 }, within = [0, 1]"#;
const RANGE: &str = r#"kind = "range", of = "a/y", over = { last = 2 }, within = [0, 1]"#;
const SPAN: &str = r#"kind = "span", of = "a/y", over = { last = 2 }, at_most = 1"#;

fn check(claim: &Claim) -> Result<(), claims::CheckError> {
    claim.check(&["a", "b"], &["y", "z"])
}

#[test]
fn claims_without_mistakes_have_none() {
    for predicate in [EQUIVALENT, CLOSES, SLOPE, RANGE, SPAN] {
        assert_eq!(check(&claim(predicate)), Ok(()));
        let open = predicate.replace("[0, 1]", "[-inf, 1]");
        assert_eq!(check(&claim(&open)), Ok(()));
    }
}

#[test]
fn a_mistaken_threshold_is_named_with_its_key() {
    let words = "must be two numbers, the smaller first and at most one of them infinite: a claim must be able to fail";
    let cases = [
        (
            EQUIVALENT,
            "margin = 1",
            "margin = 0",
            "`predicate.margin` is 0; it must be a finite number greater than 0",
        ),
        (
            EQUIVALENT,
            "margin = 1",
            "margin = inf",
            "`predicate.margin` is inf; it must be a finite number greater than 0",
        ),
        (
            EQUIVALENT,
            "margin = 1",
            "margin = nan",
            "`predicate.margin` is NaN; it must be a finite number greater than 0",
        ),
        (
            EQUIVALENT,
            "margin = 1",
            "margin = 1, confidence = 1",
            "`predicate.confidence` is 1; it must be a number from 0.5 to below 1",
        ),
        (
            EQUIVALENT,
            "margin = 1",
            "margin = 1, confidence = 0.4",
            "`predicate.confidence` is 0.4; it must be a number from 0.5 to below 1",
        ),
        (
            EQUIVALENT,
            "b/y",
            "a/y",
            "`predicate.b` is \"a/y\"; it must be another series than `predicate.a`",
        ),
        (
            EQUIVALENT,
            "last = 1",
            "last = 0",
            "`predicate.over` is last = 0; it must be at least 1 point",
        ),
        (
            EQUIVALENT,
            "last = 1",
            "between = [2, 1]",
            "`predicate.over` is between = [2, 1]; it must be two numbers of which the first is no larger than the second",
        ),
        (
            EQUIVALENT,
            "a/y",
            "y",
            "`predicate.a` is \"y\"; it must be a run and a quantity, such as \"step-decay/test-accuracy\"",
        ),
        (
            EQUIVALENT,
            "b/y",
            "b/",
            "`predicate.b` is \"b/\"; it must be a run and a quantity, such as \"step-decay/test-accuracy\"",
        ),
        (
            EQUIVALENT,
            "b/y",
            "/y",
            "`predicate.b` is \"/y\"; it must be a run and a quantity, such as \"step-decay/test-accuracy\"",
        ),
        (
            EQUIVALENT,
            "b/y",
            "c/y",
            "`predicate.b` names the run `c`, which there is not; the runs are `a` and `b`",
        ),
        (
            EQUIVALENT,
            "b/y",
            "b/x",
            "`predicate.b` names the quantity `x`, which is not recorded; the quantities are `y` and `z`",
        ),
        (
            CLOSES,
            "by = 0.2",
            "by = 0.05",
            "`predicate.by` is 0.05; it must be a finite number, no smaller than `predicate.to`",
        ),
        (
            CLOSES,
            "to = 0.1",
            "to = -1",
            "`predicate.to` is -1; it must be a finite number greater than 0",
        ),
        (
            CLOSES,
            "[1, 2]",
            "[2, 1]",
            "`predicate.open` is between = [2, 1]; it must be two numbers of which the first is no larger than the second",
        ),
        (
            CLOSES,
            "[3, 9]",
            "[9, 3]",
            "`predicate.closed` is between = [9, 3]; it must be two numbers of which the first is no larger than the second",
        ),
        (
            CLOSES,
            "[3, 9]",
            "[2, 9]",
            "`predicate.closed` is between = [2, 9]; it must be after the points of `predicate.open`",
        ),
        (
            SLOPE,
            "last = 2",
            "last = 1",
            "`predicate.over` is last = 1; it must be at least 2 points",
        ),
        (
            SPAN,
            "last = 2",
            "between = [1, 1]",
            "`predicate.over` is between = [1, 1]; it must be at least 2 points",
        ),
        (
            SLOPE,
            "[0, 1]",
            "[1, 1]",
            &format!("`predicate.within` is [1, 1]; it {words}"),
        ),
        (
            RANGE,
            "[0, 1]",
            "[-inf, inf]",
            &format!("`predicate.within` is [-inf, inf]; it {words}"),
        ),
        (
            RANGE,
            "[0, 1]",
            "[nan, 1]",
            &format!("`predicate.within` is [NaN, 1]; it {words}"),
        ),
        (
            SPAN,
            "at_most = 1",
            "at_most = -1",
            "`predicate.at_most` is -1; it must be a finite number, 0 or greater",
        ),
    ];
    for (predicate, right, wrong, sentence) in cases {
        assert!(predicate.contains(right), "{predicate} has no {right}");
        let claim = claim(&predicate.replace(right, wrong));
        let error = check(&claim).unwrap_err();
        assert_eq!(error.to_string(), format!("claim `claim`: {sentence}"));
        // Whoever forgets to check gets no verdict by it either, but for names, of which evidence decides.
        let known = matches!(
            error.problem,
            CheckProblem::UnknownRun { .. } | CheckProblem::UnknownQuantity { .. }
        );
        let found = evaluate(&claim, &differences(&[0.1, 0.2, 0.3])).unwrap_err();
        match known {
            true => assert!(matches!(found, EvidenceError::UnknownSeries { .. })),
            false => assert_eq!(found, EvidenceError::Claim(error)),
        }
    }
}

#[test]
fn greater_may_ask_for_any_finite_difference() {
    let greater = EQUIVALENT
        .replace("equivalent", "greater")
        .replace("margin", "by");
    for by in ["-1", "0", "2.5"] {
        assert_eq!(
            check(&claim(&greater.replace("by = 1", &format!("by = {by}")))),
            Ok(())
        );
    }
    let error = check(&claim(&greater.replace("by = 1", "by = nan"))).unwrap_err();
    assert_eq!((error.key, error.claim.as_str()), ("predicate.by", "claim"));
    let by_default = claim(&greater.replace(", by = 1", ""));
    assert_eq!(by_default, claim(&greater.replace("by = 1", "by = 0")));
}

#[test]
fn a_claim_needs_words() {
    for key in ["id", "says", "source"] {
        let mut claim = claim(EQUIVALENT);
        match key {
            "id" => claim.id.clear(),
            "says" => claim.says = " ".to_owned(),
            _ => claim.source.clear(),
        }
        let error = check(&claim).unwrap_err();
        assert_eq!(error.key, key);
        assert!(
            error.to_string().ends_with("is \"\"; it must be words"),
            "{error}"
        );
    }
}

#[test]
fn toml_with_unknown_keys_or_kinds_is_refused() {
    let cases = [
        (
            EQUIVALENT.replace("margin", "margn"),
            "unknown field `margn`",
        ),
        (
            EQUIVALENT.replace(", margin = 1", ""),
            "missing field `margin`",
        ),
        (
            EQUIVALENT.replace("equivalent", "equal"),
            "unknown variant `equal`",
        ),
        (EQUIVALENT.replace("last", "lst"), "unknown variant `lst`"),
        (RANGE.replace("[0, 1]", "[0]"), "invalid length 1"),
    ];
    for (predicate, sentence) in cases {
        let error = try_claim(&predicate).unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }
}

fn refused(predicate: &str, seeds: &[Seed]) -> String {
    evaluate(&claim(predicate), seeds).unwrap_err().to_string()
}

#[test]
fn evidence_that_does_not_fit_the_claim_is_named() {
    let [one, two] = [differences(&[0.1]), differences(&[0.1, 0.2])];
    assert_eq!(
        refused(EQUIVALENT, &[]),
        "claim `claim`: there is no evidence; give at least one seed's runs"
    );
    assert_eq!(
        refused(&EQUIVALENT.replace("b/y", "c/y"), &two),
        "claim `claim`: seed 1 of 2 has no series `c/y`; it has `a/y` and `b/y`"
    );
    assert_eq!(
        refused(&EQUIVALENT.replace("last = 1", "last = 3"), &one),
        "claim `claim`: `a/y` of seed 1 of 1 has too few points for `last = 3`: it has 2 points, from 1 to 2; \
         was training stopped early, or is it shorter than the claim says?"
    );
    // What comes after the last point is not far off, if points are one apart.
    let until = |to: &str| EQUIVALENT.replace("last = 1", &format!("between = [1, {to}]"));
    assert!(evaluate(&claim(&until("3")), &one).is_ok());
    assert!(refused(&until("3.1"), &one).contains("too few points for `between = [1, 3.1]`"));
    assert!(
        refused(
            &EQUIVALENT.replace("last = 1", "between = [1.2, 1.8]"),
            &one
        )
        .contains("too few points")
    );
}

#[test]
fn series_are_compared_at_the_same_points() {
    let mut seeds = differences(&[0.1, 0.2, 0.3]);
    seeds[2] = Seed::new(&[("a/y", &[1.0, 2.0, 3.0]), ("b/y", &[1.0, 2.0, 3.0])]);
    assert_eq!(
        refused(RANGE, &seeds),
        "claim `claim`: over `last = 2`, `a/y` of seed 1 of 3 is measured at 2 points, from 1 to 2 \
         but `a/y` of seed 3 of 3 at 2 points, from 2 to 3; \
         only series measured at the same points can be compared, so let every run finish"
    );
    let seeds = [Seed::new(&[
        ("a/y", &[1.0, 2.0, 3.0]),
        ("b/y", &[1.0, 2.0]),
    ])];
    assert_eq!(
        refused(EQUIVALENT, &seeds),
        "claim `claim`: over `last = 1`, `a/y` of seed 1 of 1 is measured at 1 point, at 3 \
         but `b/y` of seed 1 of 1 at 1 point, at 2; \
         only series measured at the same points can be compared, so let every run finish"
    );
}

#[test]
fn series_must_not_go_back() {
    for x in [1.0, 0.5, f64::NAN, f64::INFINITY] {
        let mut seeds = differences(&[0.1]);
        seeds[0].0.get_mut("a/y").unwrap()[1].0 = x;
        let error = refused(RANGE, &seeds);
        assert_eq!(
            error,
            format!(
                "claim `claim`: `a/y` of seed 1 of 1 goes back at x = {x}; x must be finite and increase"
            )
        );
    }
}

#[test]
fn what_run_folders_hold_is_known_before_training() {
    let claim = claim(&RANGE.replace("a/y", "a/test-accuracy"));
    assert_eq!(claim.check(&["a"], &QUANTITIES), Ok(()));
}

#[test]
fn the_readme_shows_the_same_claim_in_toml_and_in_rust() {
    #[derive(serde::Deserialize)]
    struct Experiment {
        claim: Vec<Claim>,
    }
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    let (toml, rust) = rest.split_once("```").unwrap();
    let Experiment { claim: shown } = toml::from_str(toml).unwrap();
    for words in [&shown[0].id, &shown[0].says, &shown[0].source] {
        assert!(rust.contains(&format!("{words:?}.to_owned()")));
    }
    let expected = Equivalent {
        a: "step-decay/test-accuracy".to_owned(),
        b: "exact/test-accuracy".to_owned(),
        over: Over::Last(5),
        margin: 0.02,
        confidence: 0.9,
    };
    assert_eq!(shown[0].predicate, Predicate::Equivalent(expected));
    assert_eq!(shown.len(), 1);
}

#[test]
fn the_examples_of_the_documentation_are_predicates_without_mistakes() {
    let files = [
        include_str!("../../src/predicate/equivalent.rs"),
        include_str!("../../src/predicate/greater.rs"),
        include_str!("../../src/predicate/closes.rs"),
        include_str!("../../src/predicate/slope.rs"),
        include_str!("../../src/predicate/range.rs"),
        include_str!("../../src/predicate/span.rs"),
    ];
    for file in files {
        let lines = file
            .lines()
            .skip_while(|line| *line != "/// ```toml")
            .skip(1);
        let example = lines.take_while(|line| *line != "/// ```");
        let toml: String = example
            .map(|line| format!("{}\n", line.trim_start_matches("/// ")))
            .collect();
        let mut claim = claim(EQUIVALENT);
        claim.predicate = toml::from_str(&toml).unwrap_or_else(|error| panic!("{toml}{error}"));
        let runs = [
            "step-decay",
            "exact",
            "cosine",
            "with-drops",
            "without-drops",
            "constant-rate",
        ];
        assert_eq!(claim.check(&runs, &QUANTITIES), Ok(()), "{toml}");
    }
}
