//! A GPU, which the simulated driver is, does not wait for what is in float64, nor that for it.

mod common;

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use common::jobs;
use cuda_sim::SimulatorError;
use datasets::synthetic;
use repro::{Figure, Job, Plan, train_all};
use run_records::Sitting;
use trainer::run::{DeviceKind, Event, Observer};

const FIGURE: &str = r#"
name = "two"
title = "T"
variants = ["double", "single"]
network = { architecture = "preresnet", depth = 8, width = 2 }
data = { train_images = 8, test_images = 4 }
training = { batch_size = 4, epochs = 1 }
[recipe]
optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 0.01 }
schedule = { kind = "constant", lr = 0.1 }
[[run]]
name = "constant"
label = "constant"
transform = "original"
[presets.double]
training.precision = "float64"
[presets.single]
training.precision = "float32"
"#;

/// More than the simulated driver takes to compile kernels.
const PATIENCE: Duration = Duration::from_secs(300);

/// Begins to train when both have begun.
struct Together<'s>(&'s (Mutex<usize>, Condvar));

impl Observer for Together<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Started { .. } = event {
            let (begun, changed) = self.0;
            let mut begun = begun.lock().unwrap();
            *begun += 1;
            changed.notify_all();
            let waited = changed.wait_timeout_while(begun, PATIENCE, |begun| *begun < 2);
            assert!(!waited.unwrap().1.timed_out(), "one waits for the other");
        }
    }
}

#[test]
fn float64_is_trained_on_the_cpu_beside_what_is_trained_on_the_gpu() {
    match cuda_sim::load() {
        Ok(_) => {}
        Err(error @ SimulatorError::NoCompiler(_)) => {
            eprintln!("skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, runs) = (folder.path().join("two.toml"), folder.path().join("runs"));
    std::fs::write(&file, FIGURE).unwrap();
    let families = Plan::of(&[Figure::read(&file, None).unwrap()]).families;
    let work = families.into_iter().map(|family| Job {
        family,
        unfinished: None,
    });
    let mut jobs = jobs(&runs);
    (jobs.on_cpu, jobs.on_gpu) = (1, 1);
    jobs.options.device = DeviceKind::Cuda;
    let spec = synthetic::Spec {
        seed: 0,
        train: 8,
        test: 4,
    };
    let begun = (Mutex::new(0), Condvar::new());
    let images = |_: &_| spec.generate().unwrap();
    train_all(&jobs, work.collect(), images, |_| Together(&begun)).unwrap();
    for (run, engine) in [
        ("two-double", "nn-reference (float64, "),
        ("two-single", "nn-cuda (float32, "),
    ] {
        let device = &Sitting::read_all(&runs.join(run)).unwrap()[0].device;
        assert!(device.starts_with(engine), "{device}");
    }
}
