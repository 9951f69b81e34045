//! `texp toy` as a user calls it.

mod common;

use std::fs;
use std::path::Path;

use common::command;

const FILE: &str = include_str!("../../../experiments/toy.toml");

/// Everything, in no time.
const QUICK: &str = r#"
name = "quick"
title = "Quick"
dimension = 4
learning_rate = 0.1
first_seed = 1
seeds = 2
threshold = 0.5
stationary = { burn_in = 1, measured = 2 }
sweep = [{ name = "both", logit = "batch-norm", batch_size = 8, intrinsic_rates = [0.01, 0.1] }]
population = { name = "population", intrinsic_rates = [0.01, 0.1], stationary = { burn_in = 1, measured = 9 } }
batches = { weight_decay = 0.1, sizes = [4, 8] }
norm_alone = { batch_size = 8, learning_rates = [0.1], steps = 100 }

[[nonconvergence]]
name = "waiting"
logit = "unit-norm"
intrinsic_rate = 0.05
batch_sizes = [4, 16]
start = { on-axis = 10 }
delta = 0.1
trials = 5

[[claim]]
id = "soon"
says = "errors return in time"
source = "the theorem"
predicate = { kind = "range", of = "waiting/late-share", over = { last = 2 }, within = [-inf, 0.1] }

[presets.other]
dimension = 5
"#;

fn texp(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_folder_holds_what_was_found_and_how_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("quick.toml"), QUICK).unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    for (threads, run) in [("1", "quick"), ("2", "quick-2")] {
        let arguments = ["toy", "quick.toml", "--out", "found", "--threads", threads];
        let (code, found, message) = texp(folder.path(), &arguments);
        assert_eq!(code, Some(0), "{message}");
        assert!(
            found.contains("soon: errors return in time (the theorem)"),
            "{found}"
        );
        assert!(found.contains(": reproduced"), "{found}");
        let figures = fs::read_dir(folder.path().join("found").join(run).join("figures")).unwrap();
        assert_eq!(figures.count(), 5);
    }
    // As many threads as one likes, and every bit is the same.
    for file in ["series.csv", "claims.json", "experiment.toml"] {
        assert_eq!(
            read(&format!("found/quick/{file}")),
            read(&format!("found/quick-2/{file}"))
        );
    }
    let series = read("found/quick/series.csv");
    assert!(
        series.starts_with("seed,series,x,y\n1,both-by-batch/"),
        "{series}"
    );
    let manifest = read("found/quick/manifest.json");
    assert!(
        manifest.contains("\"command\": \"texp toy quick.toml\""),
        "{manifest}"
    );
}

#[test]
fn what_a_folder_keeps_finds_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("quick.toml"), QUICK).unwrap();
    let arguments = ["toy", "quick.toml", "--preset", "other", "--seeds", "1"];
    assert_eq!(texp(folder.path(), &arguments).0, Some(0));
    let first = folder.path().join("runs/quick-other");
    let manifest = fs::read_to_string(first.join("manifest.json")).unwrap();
    assert!(
        manifest.contains("texp toy quick.toml --preset other --seeds 1"),
        "{manifest}"
    );
    let arguments = ["toy", "runs/quick-other/experiment.toml"];
    assert_eq!(texp(folder.path(), &arguments).0, Some(0));
    let read = |folder: &Path| fs::read_to_string(folder.join("series.csv")).unwrap();
    assert_eq!(read(&first), read(&folder.path().join("runs/quick")));
}

#[test]
fn mistakes_are_found_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |text: &str, arguments: &[&str]| {
        fs::write(folder.path().join("toy.toml"), text).unwrap();
        let (code, _, message) = texp(folder.path(), &[&["toy", "toy.toml"], arguments].concat());
        assert_eq!(code, Some(2), "{message}");
        assert!(!folder.path().join("runs").exists());
        message
    };
    let message = refused(&QUICK.replace("dimension = 4", "dimension = 1"), &[]);
    let expected =
        "error: toy.toml, line 4, column 13: `dimension` is 1; it must be between 3 and 1000000\n";
    assert_eq!(message, expected);
    let message = refused(&QUICK.replace("of = \"waiting/", "of = \"wading/"), &[]);
    assert!(
        message.contains("names the run `wading`, which there is not"),
        "{message}"
    );
    let message = refused(QUICK, &["--preset", "huge"]);
    assert!(
        message.contains("there is no preset `huge`; choose `other`"),
        "{message}"
    );
    let (code, ..) = texp(folder.path(), &["toy", "nowhere.toml"]);
    assert_eq!(code, Some(2));
}

/// The smallest preset of the experiment in the repository: every claim can be decided, and the theorem's hold.
#[test]
fn the_smallest_preset_decides_every_claim() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("toy.toml"), FILE).unwrap();
    let arguments = ["toy", "toy.toml", "--preset", "smoke", "--seeds", "1"];
    let (code, found, message) = texp(folder.path(), &arguments);
    assert_eq!(code, Some(0), "{message}");
    let claims = fs::read_to_string(folder.path().join("runs/toy-smoke/claims.json")).unwrap();
    assert_eq!(
        claims.matches("\"verdict\": \"reproduced\"").count(),
        13,
        "{found}"
    );
    assert_eq!(
        claims.matches("\"verdict\": \"not-reproduced\"").count(),
        1,
        "{found}"
    );
}
