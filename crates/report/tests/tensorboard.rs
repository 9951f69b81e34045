//! Event files, read back by TensorBoard.

mod pages;
mod simulated;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use pages::small;
use run_records::Record;

/// Prints each tag's `[wall time, step, value]`s of the run in a folder.
const READER: &str = r#"
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
run = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
run.Reload()
numbers = lambda tag: [(event.wall_time, event.step, float(event.value)) for event in run.Scalars(tag)]
print(json.dumps({tag: numbers(tag) for tag in run.Tags()["scalars"]}))
"#;

type Scalars = BTreeMap<String, Vec<(f64, u64, f64)>>;

/// What TensorBoard finds; `None`, after a sentence that says so, where there is none.
fn read(folder: &Path) -> Option<Scalars> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let can = Command::new(&python)
        .args(["-c", "import tensorboard"])
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "skipped: {python} has no tensorboard, so event files are not read by it; `pip install \
             tensorboard`, or name a Python that has it in $PYTHON"
        );
        return None;
    }
    let output = Command::new(&python)
        .args(["-c", READER])
        .arg(folder)
        .output()
        .expect("a reader");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn tensorboard_reads_what_was_recorded() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    small().write(folder.path()).expect("a run folder");
    let written = report::write(folder.path()).expect("a report");
    assert_eq!(written.events.len(), 3);
    let Some(scalars) = read(&folder.path().join("tensorboard/exact")) else {
        return;
    };
    let mut expected: BTreeMap<&str, Vec<(u64, f64)>> = BTreeMap::new();
    for record in small().records() {
        let mut add = |tag, step, value| expected.entry(tag).or_default().push((step, value));
        match record {
            Record::Step {
                run: 1,
                step,
                loss,
                ln_rate,
            } => {
                add("train/loss", step, loss);
                add("train/ln_learning_rate", step, ln_rate);
            }
            Record::Norms {
                run: 1,
                step,
                norms,
                distances,
                ..
            } => {
                let squared: f64 = norms.iter().map(|norm| norm * norm).sum();
                add("weights/ln_squared_norm", step, squared.ln());
                let worst = distances.into_iter().fold(0.0, f64::max);
                add("twin/worst_gap", step, worst);
            }
            Record::Epoch {
                run: 1,
                step,
                test_accuracy,
                train_loss,
                ..
            } => {
                add("epoch/test_accuracy", step, test_accuracy);
                add("epoch/train_loss", step, train_loss);
            }
            _ => {}
        }
    }
    for (tag, expected) in expected {
        let found = &scalars[tag];
        assert_eq!(found.len(), expected.len(), "{tag}");
        for (&(time, step, value), (expected_step, expected)) in found.iter().zip(expected) {
            assert_eq!(step, expected_step, "{tag}");
            let error = (value - expected).abs();
            assert!(
                error <= 1e-6 * expected.abs().max(1e-12),
                "{tag} {value} {expected}"
            );
            // 2024-01-01T12:00:00Z.
            assert_eq!(time, 1_704_110_400.0);
        }
    }
    assert_eq!(scalars.len(), 10, "{:?}", scalars.keys());
}

#[test]
fn the_same_records_give_the_same_bytes_and_what_was_not_recorded_is_left_out() {
    let bytes = || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        small().write(folder.path()).expect("a run folder");
        let written = report::write(folder.path()).expect("a report");
        let read = |path| fs::read(path).expect("events");
        written.events.iter().map(read).collect::<Vec<_>>()
    };
    let first = bytes();
    assert_eq!(first, bytes());
    let has = |bytes: &[u8], tag: &str| bytes.windows(tag.len()).any(|part| part == tag.as_bytes());
    assert!(has(&first[1], "twin/worst_gap") && has(&first[0], "train/loss"));
    assert!(!has(&first[0], "twin/worst_gap"), "it has no twin");
}
