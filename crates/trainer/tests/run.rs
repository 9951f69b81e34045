//! A whole run, tiny: what it leaves, that it can be repeated, and that it destroys nothing.

mod common;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use common::options;
use datasets::{Dataset, synthetic};
use run_records::{Manifest, Record};
use trainer::TrainerError;
use trainer::experiment::{Arithmetic, Experiment};
use trainer::run::{DeviceKind, Event, Finished, Place, dry_run, run_experiment};

const TINY: &str = include_str!("data/tiny.toml");

fn experiment(text: &str) -> Experiment {
    Experiment::parse(text, "tiny.toml", None).unwrap()
}

fn images() -> Dataset {
    synthetic::Spec {
        seed: 0,
        train: 20,
        test: 20,
    }
    .generate()
    .unwrap()
}

fn place(runs: &Path) -> Place {
    Place {
        runs: runs.to_owned(),
        preset: Some("smoke".to_owned()),
    }
}

fn run(experiment: &Experiment, runs: &Path) -> Result<Finished, TrainerError> {
    let observer = &mut |_: &Event<'_>| {};
    run_experiment(experiment, images(), &place(runs), &options(1), observer)
}

fn records(folder: &Path) -> Vec<Record> {
    let text = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn records_are_complete_and_say_what_happened() {
    let runs = tempfile::tempdir().unwrap();
    let experiment = experiment(TINY);
    let finished = run(&experiment, runs.path()).unwrap();
    assert_eq!(finished.folder, runs.path().join("tiny-smoke"));

    let manifest: Manifest =
        serde_json::from_str(&fs::read_to_string(finished.folder.join("manifest.json")).unwrap())
            .unwrap();
    assert_eq!(manifest, finished.manifest);
    assert_eq!(
        (
            manifest.steps,
            manifest.steps_per_epoch,
            manifest.milestones.as_slice()
        ),
        (8, 4, &[4][..])
    );
    assert_eq!(
        (manifest.data.train_images, manifest.data.test_images),
        (16, 8)
    );
    assert_eq!(manifest.network.name, "PreResNet-8, width 2");
    let twins: Vec<_> = manifest.runs.iter().map(|run| run.twin).collect();
    assert_eq!(twins, [None, Some(0), Some(0)]);
    let written = Experiment::read(&finished.folder.join("experiment.toml"), None).unwrap();
    assert_eq!(written, experiment);

    let records = records(&finished.folder);
    let mut steps = HashSet::new();
    let mut norms = HashSet::new();
    let mut epochs = HashSet::new();
    for record in &records {
        match record {
            Record::Step {
                run,
                step,
                loss,
                ln_rate,
            } => {
                assert!(steps.insert((*run, *step)) && loss.is_finite() && ln_rate.is_finite());
            }
            Record::Norms {
                run,
                step,
                norms: lengths,
                effective_rates,
                distances,
            } => {
                assert!(norms.insert((*run, *step)));
                let layers = manifest.network.layers.len();
                assert_eq!((lengths.len(), effective_rates.len()), (layers, layers));
                assert_eq!(distances.len(), if *run == 0 { 0 } else { layers });
            }
            Record::Epoch {
                run,
                epoch,
                step,
                train_loss,
                train_accuracy,
                test_loss,
                test_accuracy,
            } => {
                assert!(epochs.insert((*run, *epoch)));
                assert_eq!(*step, 4 * epoch);
                assert!(train_loss.is_finite() && test_loss.is_finite());
                assert!(
                    (0.0..=1.0).contains(train_accuracy) && (0.0..=1.0).contains(test_accuracy)
                );
            }
            Record::Law { .. } => panic!("nobody asked for {record:?}"),
            Record::Finished { steps } => assert_eq!(*steps, 8),
        }
    }
    let pairs = |items: &[u64]| {
        (0..3)
            .flat_map(|run| items.iter().map(move |&item| (run, item)))
            .collect()
    };
    assert_eq!(steps, pairs(&[0, 1, 2, 3, 4, 5, 6, 7]));
    assert_eq!(norms, pairs(&[0, 3, 6]));
    assert_eq!(epochs, pairs(&[1, 2]));
    assert!(matches!(records.last(), Some(Record::Finished { .. })));
    assert_eq!(
        records
            .iter()
            .filter(|record| matches!(record, Record::Finished { .. }))
            .count(),
        1
    );
}

#[test]
fn an_epochs_training_loss_is_the_mean_over_its_images() {
    let runs = tempfile::tempdir().unwrap();
    // Steps of 4, 4, 4, 4 and 2 images.
    let text = TINY.replace("train_images = 16", "train_images = 18");
    let finished = run(&experiment(&text), runs.path()).unwrap();
    let mut sums = [[0.0; 2]; 3];
    let mut epochs = 0;
    for record in records(&finished.folder) {
        match record {
            Record::Step {
                run, step, loss, ..
            } => {
                let images = if step % 5 == 4 { 2.0 } else { 4.0 };
                sums[run][(step / 5) as usize] += loss * images;
            }
            Record::Epoch {
                run,
                epoch,
                train_loss,
                train_accuracy,
                ..
            } => {
                let mean = sums[run][epoch as usize - 1] / 18.0;
                assert!(
                    (train_loss / mean - 1.0).abs() < 1e-12,
                    "run {run}, epoch {epoch}: {train_loss} and not {mean}"
                );
                let correct = train_accuracy * 18.0;
                assert!((correct - correct.round()).abs() < 1e-12, "{correct}");
                epochs += 1;
            }
            _ => {}
        }
    }
    assert_eq!(epochs, 6);
}

#[test]
fn the_exact_twin_repeats_the_original() {
    let runs = tempfile::tempdir().unwrap();
    let text = TINY.replace("width = 2", "width = 2\nepsilon = 0.0");
    let finished = run(&experiment(&text), runs.path()).unwrap();
    let mut losses = [[0.0; 8]; 3];
    let mut tests = [[0.0; 2]; 3];
    for record in records(&finished.folder) {
        match record {
            Record::Step {
                run, step, loss, ..
            } => losses[run][step as usize] = loss,
            Record::Epoch {
                run,
                epoch,
                test_loss,
                ..
            } => tests[run][epoch as usize - 1] = test_loss,
            Record::Norms {
                run: 1,
                step,
                norms,
                distances,
                ..
            } => {
                assert!(
                    distances.iter().all(|distance| *distance < 1e-9),
                    "step {step}: {distances:?}"
                );
                assert!(norms.iter().all(|norm| *norm > 0.0));
            }
            _ => {}
        }
    }
    let close = |a: &[f64], b: &[f64], tolerance: f64| {
        a.iter()
            .zip(b)
            .all(|(a, b)| (a / b - 1.0).abs() < tolerance)
    };
    assert!(close(&losses[0], &losses[1], 1e-9), "{losses:?}");
    assert!(close(&tests[0], &tests[1], 1e-9), "{tests:?}");
    // TEXP is another schedule from a zero buffer: close, and not equal.
    assert!(
        close(&losses[0], &losses[2], 0.2) && !close(&losses[0], &losses[2], 1e-9),
        "{losses:?}"
    );
}

#[test]
fn two_runs_write_the_same_records_into_two_folders() {
    let runs = tempfile::tempdir().unwrap();
    let experiment = experiment(TINY);
    let first = run(&experiment, runs.path()).unwrap();
    let before = fs::read(first.folder.join("records.jsonl")).unwrap();
    let second = run(&experiment, runs.path()).unwrap();
    let third = run(&experiment, runs.path()).unwrap();
    assert_eq!(second.folder, runs.path().join("tiny-smoke-2"));
    assert_eq!(third.folder, runs.path().join("tiny-smoke-3"));
    assert_eq!(
        fs::read(first.folder.join("records.jsonl")).unwrap(),
        before
    );
    let lines = |folder: &Path| {
        let text = fs::read_to_string(folder.join("records.jsonl")).unwrap();
        text.lines()
            .filter(|line| !line.contains("finished"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&first.folder), lines(&second.folder));
}

#[test]
fn a_folder_that_something_else_has_taken_is_left_alone() {
    let runs = tempfile::tempdir().unwrap();
    fs::write(runs.path().join("tiny-smoke"), "a file").unwrap();
    fs::create_dir(runs.path().join("tiny-smoke-2")).unwrap();
    let finished = run(&experiment(TINY), runs.path()).unwrap();
    assert_eq!(finished.folder, runs.path().join("tiny-smoke-3"));
    assert_eq!(
        fs::read_to_string(runs.path().join("tiny-smoke")).unwrap(),
        "a file"
    );
    assert_eq!(
        fs::read_dir(runs.path().join("tiny-smoke-2"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn the_observer_hears_of_everything_in_order() {
    let runs = tempfile::tempdir().unwrap();
    let mut heard = Vec::new();
    let mut observer = |event: &Event<'_>| match event {
        Event::Started {
            folder,
            manifest,
            from_step: 0,
            ..
        } => {
            assert!(folder.is_dir());
            heard.push(format!("started {}", manifest.runs.len()));
        }
        Event::Stepped { steps, losses } => {
            assert_eq!(losses.len(), 3);
            heard.push(format!("steps {steps}"));
        }
        Event::Epoch { epoch, records } => {
            heard.push(format!("epoch {epoch} of {} runs", records.len()))
        }
        Event::Finished(finished) => heard.push(format!("finished {}", finished.last_epoch.len())),
        _ => {}
    };
    run_experiment(
        &experiment(TINY),
        images(),
        &place(runs.path()),
        &options(1),
        &mut observer,
    )
    .unwrap();
    assert_eq!(heard.first().unwrap(), "started 3");
    assert_eq!(heard.last().unwrap(), "finished 3");
    let epochs: Vec<_> = heard
        .iter()
        .filter(|event| event.starts_with("epoch"))
        .collect();
    assert_eq!(epochs, ["epoch 1 of 3 runs", "epoch 2 of 3 runs"]);
    let at = |event: &str| heard.iter().position(|other| other == event).unwrap();
    assert!(at("steps 4") < at("epoch 1 of 3 runs") && at("epoch 1 of 3 runs") < at("steps 8"));
}

#[test]
fn what_cannot_run_leaves_no_folder() {
    let runs = tempfile::tempdir().unwrap();
    let inside = runs.path().join("runs");
    let text = TINY.replace("train_images = 16", "train_images = 21");
    let error = run(&experiment(&text), &inside).unwrap_err();
    assert!(error.is_bad_input());
    assert_eq!(
        error.to_string(),
        "the experiment asks for 21 training images and the data holds 20; lower data.train_images in the experiment, or give a larger set"
    );
    let mut changed = experiment(TINY);
    changed.network.depth = 9;
    let error = run(&changed, &inside).unwrap_err();
    assert!(
        error.is_bad_input() && error.to_string().contains("`network.depth` is 9"),
        "{error}"
    );
    assert!(!inside.exists());
}

#[test]
fn runs_that_diverge_are_recorded_and_then_stopped() {
    let runs = tempfile::tempdir().unwrap();
    // Without a conversion, and with a trained head, a rate like this does diverge.
    let (text, _) = TINY.split_once("[[run]]\nname = \"exact\"").unwrap();
    let text = text
        .replace("width = 2", "width = 2\nhead = \"trained\"")
        .replace("lr = 0.1", "lr = 1e160");
    let error = run(&experiment(&text), runs.path()).unwrap_err();
    let TrainerError::Diverged {
        folder,
        epoch,
        runs,
    } = &error
    else {
        panic!("{error}")
    };
    let [(name, since)] = &runs[..] else {
        panic!("{error}")
    };
    assert_eq!(name, "step");
    assert!(!error.is_bad_input());
    let records = records(folder);
    let steps = records
        .iter()
        .filter(|record| matches!(record, Record::Step { .. }))
        .count();
    assert_eq!(steps as u64, 4 * epoch);
    assert!(
        records
            .iter()
            .all(|record| !matches!(record, Record::Step { step, loss, .. } if loss.is_nan() != (step >= since)))
    );
    assert!((1..4 * epoch).contains(since), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("`step` from step {since} on")),
        "{error}"
    );
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let runs = tempfile::tempdir().unwrap();
    let file = runs.path().join("file");
    fs::write(&file, "").unwrap();
    let error = run(&experiment(TINY), &file.join("runs")).unwrap_err();
    assert!(!error.is_bad_input());
    let text = error.to_string();
    assert!(
        text.starts_with("cannot make the folder `")
            && text.contains("check permissions and space"),
        "{text}"
    );
}

#[test]
fn the_cpu_multiplies_in_full_or_not_at_all() {
    let runs = tempfile::tempdir().unwrap();
    for arithmetic in [Arithmetic::Tf32x3, Arithmetic::Tf32, Arithmetic::Bf16] {
        let text = TINY.replace("float64", arithmetic.name());
        let experiment = experiment(&text);
        assert_eq!(experiment.training.precision, arithmetic);
        let dry = dry_run(&experiment, DeviceKind::Cpu).err();
        for refused in [run(&experiment, runs.path()).err(), dry] {
            let refused = refused.unwrap();
            assert!(refused.is_bad_input());
            assert_eq!(
                refused.to_string(),
                format!(
                    "the experiment's convolutions multiply in {arithmetic}, which the CPU does not; train in float32 (leave out \
                     `training.precision` and --precision), or on a GPU (--device cuda)"
                )
            );
        }
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0);
    }
}
