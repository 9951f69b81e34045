//! Run folders as evidence.

use std::fs;

use claims::{Claim, Evidence, EvidenceError, QUANTITIES, Verdict, evaluate};
use run_records::RunFolder;
use serde_json::{Value, json};

use crate::common::claim;

const STEPS_PER_EPOCH: u64 = 4;
const EPOCHS: u64 = 3;

/// How a run folder came to its end.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Finished,
    Stopped,
    /// The second run's loss is not finite from this step on.
    Diverged(u64),
}

fn manifest(seed: u64) -> Value {
    json!({
        "experiment": "pair", "title": "A pair", "preset": null, "experiment_sha256": "",
        "initial_seed": seed, "batch_seed": seed + 100,
        "data": { "source": "made up", "train_images": 8, "test_images": 8, "sha256": "" },
        "network": { "name": "none", "trained_parameters": 1, "multiply_adds": 1, "layers": ["layer"] },
        "batch_size": 2, "steps_per_epoch": STEPS_PER_EPOCH, "steps": STEPS_PER_EPOCH * EPOCHS, "milestones": [],
        "runs": [
            { "name": "decay", "label": "decay", "transform": "original", "twin": null },
            { "name": "twin", "label": "twin", "transform": "wd-free", "twin": 0 },
        ],
    })
}

/// Rates are `0.5`, but 0 in the last step; norms double in every step of the second run.
fn records(end: End) -> Vec<Value> {
    let mut records = Vec::new();
    let steps = STEPS_PER_EPOCH * if end == End::Stopped { 2 } else { EPOCHS };
    for step in 0..steps {
        for run in [0, 1] {
            let diverged = run == 1 && matches!(end, End::Diverged(since) if since <= step);
            let finite = |value: f64| (!diverged).then_some(value);
            let rate = if step + 1 == STEPS_PER_EPOCH * EPOCHS {
                0.0
            } else {
                0.5
            };
            let ln_rate = (rate > 0.0).then(|| f64::ln(rate));
            let norm = 2f64.powi(run * step as i32);
            records.push(json!({ "kind": "step", "run": run, "step": step, "loss": finite(2.0), "ln_rate": ln_rate }));
            records.push(json!({
                "kind": "norms", "run": run, "step": step, "norms": [finite(norm)],
                "effective_rates": [finite(rate / (norm * norm))],
                "distances": if run == 0 { vec![] } else { vec![finite(0.25)] },
            }));
            if (step + 1).is_multiple_of(STEPS_PER_EPOCH) {
                let epoch = (step + 1) / STEPS_PER_EPOCH;
                let accuracy = if diverged { 0.1 } else { 0.25 * epoch as f64 };
                records.push(json!({
                    "kind": "epoch", "run": run, "epoch": epoch, "step": step + 1,
                    "train_loss": finite(1.5), "train_accuracy": accuracy,
                    "test_loss": finite(1.75), "test_accuracy": accuracy,
                }));
                if run == 1 {
                    records.push(json!({
                        "kind": "law", "run": run, "step": step + 1, "parameters": finite(1e-7),
                        "buffers": finite(3e-7), "statistics": finite(2e-7), "loss": finite(0.0),
                    }));
                }
            }
        }
    }
    if end != End::Stopped {
        records.push(json!({ "kind": "finished", "steps": steps }));
    }
    records
}

fn folder(seed: u64, end: End) -> RunFolder {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = records(end)
        .iter()
        .map(|record| format!("{record}\n"))
        .collect();
    fs::write(folder.path().join("experiment.toml"), "").unwrap();
    fs::write(
        folder.path().join("manifest.json"),
        manifest(seed).to_string(),
    )
    .unwrap();
    fs::write(folder.path().join("sittings.json"), "[]").unwrap();
    fs::write(folder.path().join("records.jsonl"), lines).unwrap();
    RunFolder::read(folder.path()).unwrap()
}

fn points(folder: &RunFolder, name: &str) -> Vec<(f64, f64)> {
    folder
        .series(name)
        .unwrap_or_else(|| panic!("{name}"))
        .points
}

fn same_accuracy() -> Claim {
    claim(
        r#"kind = "equivalent", a = "decay/test-accuracy", b = "twin/test-accuracy", over = { last = 2 }, margin = 0.01"#,
    )
}

#[test]
fn every_name_has_a_series_and_every_quantity_a_name() {
    let folder = folder(1, End::Finished);
    let names = folder.names();
    assert!(names.iter().all(|name| folder.series(name).is_some()));
    let of = |run: &str| names.iter().filter(|name| name.starts_with(run)).count();
    assert_eq!(
        (of("twin/"), of("decay/")),
        (QUANTITIES.len(), QUANTITIES.len() - 3)
    );
    for unknown in [
        "decay/gap",
        "decay/median-gap",
        "decay",
        "decay/",
        "other/loss",
        "loss",
    ] {
        assert_eq!(folder.series(unknown), None, "{unknown}");
    }
}

#[test]
fn x_are_epochs_and_a_rate_of_zero_has_no_logarithm() {
    let folder = folder(1, End::Finished);
    let loss = points(&folder, "twin/loss");
    assert_eq!(
        (loss.len(), loss[0], loss[11]),
        (12, (0.0, 2.0), (2.75, 2.0))
    );
    let rate = points(&folder, "twin/ln-rate");
    assert_eq!((rate.len(), rate[10]), (11, (2.5, 0.5f64.ln())));
    let near = |(x, y): (f64, f64), at: f64, value: f64| x == at && (y - value).abs() < 1e-12;
    let norms = points(&folder, "twin/ln-norm-squared");
    assert_eq!(norms.len(), 12);
    assert!(near(norms[3], 0.75, 2.0 * 8f64.ln()));
    let over_rate = points(&folder, "twin/ln-norm-squared-over-rate");
    assert_eq!(over_rate.len(), 11);
    assert!(near(over_rate[3], 0.75, (64.0 / 0.5f64).ln()));
    assert_eq!(points(&folder, "twin/gap")[4], (1.0, 0.25));
    assert_eq!(points(&folder, "twin/median-gap")[4], (1.0, 0.25));
    assert_eq!(points(&folder, "twin/law")[1], (2.0, 3e-7));
    let accuracies = [(1.0, 0.25), (2.0, 0.5), (3.0, 0.75)];
    assert_eq!(points(&folder, "decay/train-accuracy"), accuracies);
    assert_eq!(points(&folder, "decay/test-accuracy"), accuracies);
    assert_eq!(points(&folder, "decay/train-loss")[2], (3.0, 1.5));
    assert_eq!(points(&folder, "decay/test-loss")[2], (3.0, 1.75));
}

#[test]
fn a_pair_is_judged_over_seeds() {
    let folders = [1, 2, 3].map(|seed| folder(seed, End::Finished));
    let outcome = evaluate(&same_accuracy(), &folders).unwrap();
    assert_eq!(
        outcome.to_string(),
        "mean difference 0 over 3 seeds, 90 % interval [0, 0], inside ±0.01: reproduced"
    );
    let grows = claim(
        r#"kind = "slope", of = "twin/ln-norm-squared", over = { between = [0, 3] }, within = [5.5, 5.6]"#,
    );
    let outcome = evaluate(&grows, &folders[..1]).unwrap();
    assert_eq!(
        outcome.to_string(),
        "slope 5.55 in 1 seed, inside [5.5, 5.6]: reproduced"
    );
}

#[test]
fn an_unknown_name_lists_what_there_is() {
    let typo =
        claim(r#"kind = "range", of = "twin/accuracy", over = { last = 1 }, within = [0, 1]"#);
    let error = evaluate(&typo, &[folder(1, End::Finished)])
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(
        "claim `claim`: seed 1 of 1 has no series `twin/accuracy`; it has `decay/loss`, "
    ));
    assert!(
        error.ends_with("`twin/test-loss` and `twin/test-accuracy`"),
        "{error}"
    );
}

#[test]
fn one_seed_does_not_count_twice() {
    let folders = [1, 2, 1].map(|seed| folder(seed, End::Finished));
    assert_eq!(
        evaluate(&same_accuracy(), &folders)
            .unwrap_err()
            .to_string(),
        "claim `claim`: seeds 1 and 3 are the same (initial seed 1, batch seed 101); \
         one seed counted twice would make the interval too narrow"
    );
}

#[test]
fn a_stopped_training_says_nothing_about_what_comes_after() {
    let folders = [1, 2, 3].map(|seed| folder(seed, End::Stopped));
    assert_eq!(
        evaluate(&same_accuracy(), &folders)
            .unwrap_err()
            .to_string(),
        "claim `claim` is about points of `decay/test-accuracy` (`last = 2`) that seed 1 of 3 may not have reached: \
         it stopped after step 8 of 12; let it finish"
    );
    let of = |quantity: &str, over: &str| {
        let claim = claim(&format!(
            "kind = \"range\", of = \"decay/{quantity}\", over = {{ {over} }}, within = [0, 3]"
        ));
        evaluate(&claim, &folders)
    };
    for (quantity, over) in [
        ("loss", "between = [1, inf]"),
        ("loss", "between = [1, 3]"),
        ("loss", "between = [1, 1.8]"),
        ("test-accuracy", "between = [1, 3]"),
        ("test-accuracy", "between = [3, 3]"),
    ] {
        let error = of(quantity, over).unwrap_err();
        assert!(matches!(error, EvidenceError::Stopped { .. }), "{error}");
    }
    // But something about what it got to.
    for (quantity, over) in [
        ("loss", "between = [0, 1.75]"),
        ("test-accuracy", "between = [1, 2]"),
    ] {
        let outcome = of(quantity, over).unwrap();
        assert_eq!(outcome.verdict, Verdict::Reproduced);
    }
}

#[test]
fn a_diverged_run_refutes_whatever_needs_it() {
    let folders = [
        folder(1, End::Finished),
        folder(2, End::Diverged(6)),
        folder(3, End::Finished),
    ];
    let outcome = evaluate(&same_accuracy(), &folders).unwrap();
    assert_eq!(
        outcome.to_string(),
        "the run of `twin/test-accuracy` had diverged at x = 2.00 in seed 2 of 3: not reproduced"
    );
    for quantity in QUANTITIES {
        let of = |over: &str| {
            claim(&format!(
                "kind = \"range\", of = \"twin/{quantity}\", over = {{ {over} }}, within = [-inf, 1e3]"
            ))
        };
        let early = evaluate(&of("between = [0, 1.3]"), &folders).unwrap();
        assert_eq!(early.verdict, Verdict::Reproduced, "{quantity}: {early}");
        let late = evaluate(&of("between = [1.4, 2.5]"), &folders).unwrap();
        let expected = match quantity {
            "ln-rate" => Verdict::Reproduced,
            _ => Verdict::NotReproduced,
        };
        assert_eq!(late.verdict, expected, "{quantity}: {late}");
    }
}

/// The trainer stops where all runs have diverged, and does not say that it finished.
#[test]
fn a_training_that_ends_because_it_diverged_has_diverged() {
    let mut all = folder(1, End::Diverged(6));
    all.runs[1].epochs.truncate(2);
    all.runs[1].steps.truncate(8);
    all.ending = run_records::Ending::Unfinished { cut_line: None };
    for over in [
        "last = 1",
        "last = 3",
        "between = [2, 3]",
        "between = [2.5, 3]",
    ] {
        for quantity in ["test-accuracy", "loss"] {
            let claim = claim(&format!(
                "kind = \"range\", of = \"twin/{quantity}\", over = {{ {over} }}, within = [0, inf]"
            ));
            let outcome = evaluate(&claim, std::slice::from_ref(&all)).unwrap();
            assert_eq!(outcome.verdict, Verdict::NotReproduced, "{over} {outcome}");
        }
    }
}
