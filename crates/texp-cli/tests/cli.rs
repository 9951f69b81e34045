//! The command as a user calls it: exit codes, messages, and what it leaves.

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::{TINY, command};
use nn_cpu::CpuEngine;
use nn_engine::EngineOptions;
use trainer::experiment::Experiment;

fn texp(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn refusal(folder: &Path, arguments: &[&str]) -> String {
    let output = texp(folder, arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    message
}

#[test]
fn train_leaves_a_folder_with_a_report_and_never_overwrites_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), TINY).unwrap();
    for run in ["runs/tiny", "runs/tiny-2"] {
        let output = texp(folder.path(), &["train", "tiny.toml", "--synthetic"]);
        let progress = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{progress}");
        assert!(progress.contains("Data: "), "{progress}");
        assert!(progress.contains("synthetic"), "{progress}");
        assert!(progress.contains("epoch   2"), "{progress}");
        for file in [
            "experiment.toml",
            "manifest.json",
            "records.jsonl",
            "report.html",
        ] {
            assert!(folder.path().join(run).join(file).is_file(), "{run}/{file}");
        }
    }
    let records =
        |run: &str| fs::read_to_string(folder.path().join(run).join("records.jsonl")).unwrap();
    assert_eq!(
        records("runs/tiny"),
        records("runs/tiny-2"),
        "the same seeds give the same records"
    );
}

#[test]
fn a_dry_run_tells_what_the_training_will_do_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let long = TINY
        .replace("epochs = 2", "epochs = 4000")
        .replace("epochs = [1]", "epochs = [3999]");
    for (name, text) in [("tiny.toml", TINY), ("long.toml", &long)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let told = |name: &str| {
        let output = texp(
            folder.path(),
            &["train", name, "--dry-run", "--device", "cpu"],
        );
        assert!(output.status.success(), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = told("tiny.toml");
    let row = |text: &str, start: &str| {
        let line = text
            .lines()
            .find(|line| line.trim_start().starts_with(start));
        let words = line.unwrap_or_else(|| panic!("{text}")).split_whitespace();
        words.map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        row(&text, "step decay"),
        "step decay original -2.3026 -4.6052 never"
    );
    assert_eq!(row(&text, "exact"), "exact wd-free -2.3016 -4.5836 never");
    assert!(
        text.contains("8 steps in 2 epochs, 4 images a step, 2 runs"),
        "{text}"
    );
    // What the engine that trains it says.
    let bytes = |text: &str| -> usize {
        let (_, rest) = text.split_once("Memory of the engine: ").unwrap();
        rest.split_once(' ').unwrap().0.parse().unwrap()
    };
    let experiment = Experiment::parse(TINY, "tiny.toml", None).unwrap();
    let graph = experiment.network.graph().unwrap();
    let options = EngineOptions {
        replicas: 2,
        ..EngineOptions::new(&graph, 4)
    };
    let engine = CpuEngine::new(&graph, options).unwrap();
    assert_eq!(bytes(&text), engine.bytes());

    let text = told("long.toml");
    let exact = row(&text, "exact");
    assert!(exact.contains(" times, first before step 3"), "{exact}");
    assert_eq!(bytes(&text), engine.bytes());
    assert!(!folder.path().join("runs").exists());

    fs::write(
        folder.path().join("typo.toml"),
        TINY.replace("epochs = 2", "epoch = 2"),
    )
    .unwrap();
    let message = refusal(folder.path(), &["train", "typo.toml", "--dry-run"]);
    assert!(message.contains("typo.toml, line 13"), "{message}");
}

#[test]
fn bad_input_is_one_sentence_and_exit_code_2_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("typo.toml", &TINY.replace("epochs = 2", "epoch = 2"));
    write("tiny.toml", TINY);

    let message = refusal(folder.path(), &["train", "typo.toml", "--synthetic"]);
    assert!(message.contains("typo.toml, line 13"), "{message}");
    assert_eq!(message.trim().lines().count(), 1, "{message}");

    let message = refusal(folder.path(), &["train", "missing.toml"]);
    assert!(message.contains("missing.toml"), "{message}");

    let message = refusal(folder.path(), &["train", "tiny.toml", "--preset", "huge"]);
    assert!(message.contains("huge"), "{message}");

    let message = refusal(folder.path(), &["train", "tiny.toml", "--data", "nowhere"]);
    assert!(message.contains("nowhere"), "{message}");

    fs::create_dir_all(folder.path().join("cifar")).unwrap();
    write("cifar/data_batch_1.bin", "too short");
    let message = refusal(folder.path(), &["train", "tiny.toml", "--data", "cifar"]);
    assert!(message.contains("data_batch_1.bin"), "{message}");

    refusal(
        folder.path(),
        &["train", "tiny.toml", "--data", "cifar", "--synthetic"],
    );
    refusal(folder.path(), &["report", "nowhere"]);
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_report_that_cannot_be_written_is_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.toml"), TINY).unwrap();
    let output = texp(folder.path(), &["train", "tiny.toml", "--synthetic"]);
    assert!(output.status.success());
    // As a full disk would be: the input is right, the output has no place.
    let page = folder.path().join("runs/tiny/report.html");
    fs::remove_file(&page).unwrap();
    fs::create_dir(&page).unwrap();
    let output = texp(folder.path(), &["report", "runs/tiny"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("cannot write runs/tiny/report.html"),
        "{message}"
    );
}

#[test]
fn the_manifest_records_the_command_that_makes_the_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let preset = format!("{TINY}[presets.\"two\"]\ntraining = {{ norms_every = 2 }}\n");
    fs::write(folder.path().join("my tiny.toml"), preset).unwrap();
    let output = texp(
        folder.path(),
        &[
            "train",
            "--threads=1",
            "--out",
            "it's mine",
            "--synthetic",
            "--preset",
            "two",
            "my tiny.toml",
        ],
    );
    let progress = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{progress}");
    let command = |run: &str| {
        let sittings = run_records::Sitting::read_all(&folder.path().join(run)).unwrap();
        sittings[0].command.clone()
    };
    assert_eq!(
        command("it's mine/tiny-two"),
        "texp train 'my tiny.toml' --preset two --out \"it's mine\" --synthetic --device cpu --threads 1"
    );

    fs::write(folder.path().join("-tiny.toml"), TINY).unwrap();
    let output = texp(
        folder.path(),
        &["train", "--synthetic", "--out=-o", "--", "-tiny.toml"],
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        command("-o/tiny"),
        "texp train ./-tiny.toml '--out=-o' --synthetic --device cpu"
    );
}
