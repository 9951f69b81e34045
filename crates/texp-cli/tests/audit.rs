//! `texp audit` as a user calls it: logs and run folders, forms of what is found, messages.

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::{TINY, success, texp};
use serde_json::Value;

/// Two phases: 20 time constants, and half of one.
fn log() -> String {
    let mut csv = "step,lr,norm/conv\n".to_owned();
    let mut fourth_power = 64.0_f64;
    for step in 0..=4000 {
        let rate = if step < 2000 { 0.1 } else { 0.01 };
        if step % 50 == 0 {
            csv += &format!("{step},{rate},{}\n", fourth_power.powf(0.25));
        }
        fourth_power += 4.0 * rate * 2.5e-3 / (1.0 - 0.9) * (16.0 * rate / 0.1 - fourth_power);
    }
    csv
}

const CONSTANTS: [&str; 4] = ["--weight-decay", "0.0025", "--momentum", "0.9"];

fn audit(folder: &Path, arguments: &[&str], input: &str) -> Output {
    texp(folder, &[&["audit"], arguments].concat(), input)
}

#[test]
fn a_log_from_standard_input_is_told_in_tables_and_sentences() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        &["-", "--steps-per-epoch", "100", "--svg", "log.svg"][..],
        &CONSTANTS,
    ]
    .concat();
    let (out, said) = success(audit(folder.path(), &arguments, &log()));
    assert!(said.is_empty(), "{said}");
    let rows: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let row = |start: &[&str]| {
        rows.iter()
            .find(|row| row.starts_with(start))
            .unwrap_or_else(|| panic!("{out}"))
    };
    assert_eq!(
        row(&["1", "0–1999"])[2..7],
        ["0.1", "2.5e−4", "0.929°", "1", "epochs"]
    );
    assert_eq!(
        row(&["2", "2000–4000"])[2..7],
        ["0.01", "2.5e−5", "0.294°", "10", "epochs"]
    );
    let ratio: f64 = row(&["1", "conv"])[5].parse().unwrap();
    assert!((ratio - 1.0).abs() < 1e-3, "{ratio}");
    for sentence in [
        "- Phase 1 (steps 0 to 1999) lasts 20 time constants of ‖w‖⁴ and ends with ‖w‖² 1",
        "- Phase 2 (steps 2000 to 4000) lasts 2 time constants of ‖w‖⁴ and ends with ‖w‖² 1.489",
    ] {
        assert!(out.contains(sentence), "{out}");
    }
    let svg = fs::read_to_string(folder.path().join("log.svg")).unwrap();
    let drawn = roxmltree::Document::parse(&svg).unwrap();
    let title = drawn
        .descendants()
        .find(|node| node.has_tag_name("title"))
        .unwrap();
    assert_eq!(
        title.text(),
        Some(
            "Squared norm of the weights, Effective rate, learning rate over squared norm, Learning rate"
        )
    );
}

#[test]
fn json_has_everything() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("run.csv"),
        log().replace("norm/conv", "w"),
    )
    .unwrap();
    let arguments = [
        &["run.csv", "--columns", "norm=w", "--format", "json"][..],
        &CONSTANTS,
    ]
    .concat();
    let (out, _) = success(audit(folder.path(), &arguments, ""));
    let found: Value = serde_json::from_str(&out).unwrap();
    let number = |pointer: &str| {
        found
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap_or_else(|| panic!("{pointer}: {out}"))
    };
    assert_eq!(number("/phases/1/start"), 2000.0);
    assert!((number("/phases/1/equilibrium/time_constants") - 2.001).abs() < 1e-9);
    // √(1 + 9e⁻²).
    assert!((number("/phases/1/norms/0/ratio_end") - 1.489).abs() < 0.01);
    assert_eq!(
        found
            .pointer("/phases/0/norms/0/layer")
            .and_then(Value::as_str),
        Some("all")
    );
    assert!(
        found
            .pointer("/phases/1/norms/0/epochs_lacking")
            .unwrap()
            .is_null()
    );
    // The larger root of x² − 1.89975x + 0.9 = 0.
    assert!((number("/phases/0/twin/root") - 0.997_440_9).abs() < 1e-6);
    assert!(number("/twin/ln_learning_rate_end") > number("/phases/0/twin/ln_learning_rate_start"));
}

#[test]
fn a_run_folder_says_what_a_log_lacks() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), TINY).unwrap();
    success(texp(
        folder.path(),
        &["train", "tiny.toml", "--synthetic", "--device", "cpu"],
        "",
    ));
    let run = "runs/tiny";
    let json = |arguments: &[&str]| -> Value {
        let (out, _) = success(audit(
            folder.path(),
            &[&[run, "--format", "json"], arguments].concat(),
            "",
        ));
        serde_json::from_str(&out).unwrap()
    };
    let (original, exact) = (json(&[]), json(&["--run", "exact"]));
    let at = |found: &Value, pointer: &str| found.pointer(pointer).and_then(Value::as_f64);
    assert_eq!(at(&original, "/phases/0/weight_decay/0"), Some(0.01));
    assert_eq!(at(&exact, "/phases/0/weight_decay/0"), Some(0.0));
    assert_eq!(
        [
            at(&original, "/steps_per_epoch"),
            at(&original, "/phases/1/start")
        ],
        [Some(4.0); 2]
    );
    // The twin that the audit finds is the run that was trained.
    let [found, trained] = [
        at(&original, "/twin/ln_learning_rate_end"),
        at(&exact, "/twin/ln_learning_rate_end"),
    ];
    assert!(
        (found.unwrap() - trained.unwrap()).abs() < 1e-12,
        "{found:?} {trained:?}"
    );

    let said = |arguments: &[&str]| refusal(audit(folder.path(), arguments, ""));
    assert_eq!(
        said(&[run, "--run", "other"]),
        "error: runs/tiny has no run \"other\"; its runs are step, exact\n"
    );
    assert!(said(&[run, "--lr", "1"]).starts_with("error: a run folder knows its rates"));
    fs::remove_file(folder.path().join(run).join("manifest.json")).unwrap();
    assert!(said(&[run]).contains("a run folder holds experiment.toml"));
}

fn refusal(output: Output) -> String {
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), said.lines().count()),
        (Some(2), 1),
        "{said}"
    );
    assert!(output.stdout.is_empty());
    said
}

#[test]
fn a_run_of_another_optimiser_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sgdw = TINY.replace("\"sgd\"", "\"sgdw\"");
    fs::write(folder.path().join("tiny.toml"), sgdw).unwrap();
    let train = ["train", "tiny.toml", "--synthetic", "--device", "cpu"];
    success(texp(folder.path(), &train, ""));
    let said = refusal(audit(folder.path(), &["runs/tiny"], ""));
    assert!(
        said.ends_with(
            "experiment.toml has no recipe to audit by: what norms tend to is known for \"sgd\", and the run was trained by \
             \"sgdw\"; audit one of \"sgd\"\n"
        ),
        "{said}"
    );
}

#[test]
fn what_cannot_be_audited_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("run.csv"), "step,lr\n0,0.1\n0,0.2\n").unwrap();
    let said = |arguments: &[&str]| refusal(audit(folder.path(), arguments, ""));
    assert!(said(&["none.csv"]).starts_with("error: none.csv cannot be read"));
    assert!(
        said(&["run.csv"])
            .contains("or give a constant one with --weight-decay (it has `step`, `lr`)")
    );
    let all = [&["run.csv"][..], &CONSTANTS].concat();
    assert!(said(&all).starts_with("error: run.csv, line 3, column `lr`: 0.2 at step 0"));
    assert!(
        said(&[&all[..], &["--run", "a"]].concat())
            .starts_with("error: --run names a run of a run folder")
    );
    let output = audit(folder.path(), &["run.csv", "--columns", "rate=lr"], "");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && told.contains("KEY is step, lr, weight_decay"),
        "{told}"
    );
}
