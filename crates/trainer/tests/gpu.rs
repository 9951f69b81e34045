//! Training on a GPU, which the simulated driver is: a device that fails, and one that is too small.

mod common;

use std::fs;
use std::path::Path;
use std::time::Duration;

use cuda_sim::{Failure, Simulator, SimulatorError};
use datasets::{Dataset, synthetic};
use nn_engine::EngineError;
use run_records::{Record, Sitting};
use trainer::TrainerError;
use trainer::experiment::Experiment;
use trainer::run::{
    DeviceKind, Event, Finished, Place, RunOptions, SavedRun, check_gpu, run_experiment,
};

const TINY: &str = include_str!("data/tiny.toml");

/// The simulated driver; says so and gives none where it cannot be compiled.
fn simulator() -> Option<Simulator> {
    match cuda_sim::load() {
        Ok(simulator) => Some(simulator),
        Err(error @ SimulatorError::NoCompiler(_)) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn experiment() -> Experiment {
    let float32 = TINY.replace("precision = \"float64\"\n", "");
    Experiment::parse(&float32, "tiny.toml", None).unwrap()
}

fn images() -> Dataset {
    let spec = synthetic::Spec {
        seed: 0,
        train: 16,
        test: 8,
    };
    spec.generate().unwrap()
}

fn options() -> RunOptions {
    RunOptions {
        device: DeviceKind::Cuda,
        checkpoint_every: Duration::ZERO,
        ..common::options(0)
    }
}

fn train(runs: &Path, observer: &mut dyn FnMut(&Event<'_>)) -> Result<Finished, TrainerError> {
    let place = Place {
        runs: runs.to_owned(),
        preset: None,
    };
    let observer = &mut |event: &Event<'_>| observer(event);
    run_experiment(&experiment(), images(), &place, &options(), observer)
}

fn lines(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// One test, because there is one device.
#[test]
fn what_was_recorded_before_the_device_failed_is_kept() {
    let Some(simulator) = simulator() else { return };
    check_gpu(&experiment()).unwrap();
    let runs = tempfile::tempdir().unwrap();
    let whole = train(runs.path(), &mut |_| {}).unwrap();
    let device = &Sitting::read_all(&whole.folder).unwrap()[0].device;
    assert!(device.starts_with("nn-cuda (float32, "), "{device}");
    let whole = lines(&whole.folder);

    // A launch after the first epoch, some way into a step.
    let error = train(runs.path(), &mut |event| {
        if let Event::Epoch { epoch: 1, .. } = event {
            simulator.fail_launch(20, Failure::LaunchFailed);
        }
    });
    let error = error.unwrap_err();
    let TrainerError::Stopped {
        step,
        steps: 8,
        saved: 4,
        folder,
        source: EngineError::DeviceLost { .. },
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(*step, 4);
    assert!(!error.is_bad_input());
    let message = error.to_string();
    assert!(
        message.starts_with("training stopped before step 4 of 8: the GPU was lost while "),
        "{message}"
    );
    // Cut off, and otherwise what would have been.
    let kept = lines(folder);
    assert_eq!(kept, whole[..kept.len()]);
    let read = |line: &String| serde_json::from_str::<Record>(line).unwrap();
    let of_epoch = |record: &Record| matches!(record, Record::Epoch { epoch: 1, .. });
    assert_eq!(kept.iter().map(read).filter(of_epoch).count(), 3);
    // On a device in order again it goes on from the last checkpoint, as if nothing had been.
    simulator.reset();
    let run = SavedRun::open(folder).unwrap();
    let resumed = run.resume(images(), &options(), &mut |_: &Event<'_>| {});
    assert_eq!(lines(&resumed.unwrap().folder), whole);
}
