//! A run that is stopped anywhere and resumed leaves the same bytes as one that is not; a checkpoint that is damaged is
//! named and not used.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datasets::{Dataset, synthetic};
use proptest::prelude::*;
use run_records::Sitting;
use trainer::TrainerError;
use trainer::experiment::Experiment;
use trainer::run::{
    DeviceKind, Event, Finished, Observer, Place, RunOptions, SavedRun, Unusable, run_experiment,
};

const TINY: &str = include_str!("data/tiny.toml");

/// Steps of the experiment, in epochs of [`EPOCH`].
const STEPS: u64 = 12;
const EPOCH: u64 = 4;

/// Optimisers of the tiny experiment.
const SGD: &str = "kind = \"sgd\"\nmomentum = 0.0\nweight_decay = 9.99\n";
const SGDW: &str = "kind = \"sgdw\"\nmomentum = 0.5\nweight_decay = 9.99\n";
const ADAMW: &str =
    "kind = \"adamw\"\nbeta1 = 0.9\nbeta2 = 0.99\neps = 1e-8\nweight_decay = 9.99\n";

/// Three runs, and a growth of the rate that has them rescaled on the way.
fn experiment(precision: &str) -> Experiment {
    experiment_of(SGD, precision)
}

/// The same of another optimiser; TEXP, the last run, is of SGD alone.
fn experiment_of(optimizer: &str, precision: &str) -> Experiment {
    let text = match optimizer {
        SGD => TINY,
        _ => TINY.split_once("[[run]]\nname = \"texp\"").unwrap().0,
    };
    let text = text
        .replace("epochs = 2", "epochs = 3")
        .replace("epochs = [1]", "epochs = [2]")
        .replace("\"float64\"", &format!("\"{precision}\""))
        .replace(
            "kind = \"sgd\"\nmomentum = 0.9\nweight_decay = 0.01\n",
            optimizer,
        );
    Experiment::parse(&text, "tiny.toml", None).unwrap()
}

fn images(seed: u64) -> Dataset {
    let spec = synthetic::Spec {
        seed,
        train: 16,
        test: 8,
    };
    spec.generate().unwrap()
}

fn options(threads: usize, checkpoint_every: Duration) -> RunOptions {
    RunOptions {
        checkpoint_every,
        ..common::options(threads)
    }
}

/// Stops a training after some step, and takes down what it hears.
#[derive(Default)]
struct StopAfter {
    step: Option<u64>,
    done: u64,
    from_step: u64,
    unusable: Vec<String>,
}

impl Observer for StopAfter {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started {
                from_step,
                unusable,
                ..
            } => {
                self.from_step = *from_step;
                let named = unusable.iter();
                self.unusable = named
                    .map(|Unusable { path, why }| format!("{}: {why}", path.display()))
                    .collect();
            }
            Event::Stepped { steps, .. } => self.done = *steps,
            _ => {}
        }
    }

    fn wants_to_stop(&self) -> bool {
        self.step.is_some_and(|step| self.done >= step)
    }
}

fn start(
    experiment: &Experiment,
    runs: &Path,
    options: &RunOptions,
    observer: &mut StopAfter,
) -> Result<Finished, TrainerError> {
    let place = Place {
        runs: runs.to_owned(),
        preset: None,
    };
    run_experiment(experiment, images(0), &place, options, observer)
}

fn resume(
    folder: &Path,
    options: &RunOptions,
    observer: &mut StopAfter,
) -> Result<Finished, TrainerError> {
    SavedRun::open(folder)
        .unwrap()
        .resume(images(0), options, observer)
}

/// Every file of a run folder that depends on the run alone; of the checkpoints, the last.
fn bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let last = format!("checkpoints/step-{STEPS:010}");
    let files = [
        "experiment.toml".to_owned(),
        "manifest.json".to_owned(),
        "records.jsonl".to_owned(),
        format!("{last}/manifest.json"),
        format!("{last}/state.safetensors"),
        format!("{last}/SHA256SUMS"),
    ];
    files
        .into_iter()
        .map(|file| (file.clone().into(), fs::read(folder.join(file)).unwrap()))
        .collect()
}

fn uninterrupted(experiment: &Experiment) -> BTreeMap<PathBuf, Vec<u8>> {
    let runs = tempfile::tempdir().unwrap();
    let options = options(1, Duration::from_secs(60));
    let finished = start(experiment, runs.path(), &options, &mut StopAfter::default()).unwrap();
    bytes(&finished.folder)
}

/// Names of checkpoints, oldest first.
fn checkpoints(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("checkpoints")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// What is done to the bytes of a file.
type Damage = fn(&mut Vec<u8>);

/// A run that was stopped after the second epoch's first steps, with two checkpoints.
fn stopped(runs: &Path) -> PathBuf {
    let mut observer = StopAfter {
        step: Some(EPOCH + 2),
        ..StopAfter::default()
    };
    let options = options(1, Duration::ZERO);
    let stopped = start(&experiment("float32"), runs, &options, &mut observer).unwrap_err();
    let message = stopped.to_string();
    let TrainerError::Interrupted {
        step: 6,
        steps: STEPS,
        folder,
    } = stopped
    else {
        panic!("{message}")
    };
    assert!(message.ends_with(&format!("`texp resume {}` goes on", folder.display())));
    assert_eq!(checkpoints(&folder).len(), 2);
    assert_eq!(checkpoints(&folder)[1], "step-0000000006");
    folder
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn stops_leave_no_trace(
        stops in prop::collection::vec(1..STEPS, 1..5),
        threads in prop::collection::vec(1..3usize, 5),
        float64 in any::<bool>(),
        often in any::<bool>(),
        optimizer in prop::sample::select(vec![SGD, SGDW, ADAMW]),
    ) {
        let experiment = experiment_of(optimizer, if float64 { "float64" } else { "float32" });
        let runs = tempfile::tempdir().unwrap();
        let every = if often { Duration::ZERO } else { Duration::from_secs(60) };
        let mut folder: Option<PathBuf> = None;
        let mut from_step = 0;
        for (stop, &threads) in stops.iter().zip(&threads) {
            let mut observer = StopAfter { step: Some(*stop), ..StopAfter::default() };
            let options = options(threads, every);
            let trained = match &folder {
                None => start(&experiment, runs.path(), &options, &mut observer),
                Some(folder) => resume(folder, &options, &mut observer),
            };
            prop_assert_eq!(observer.from_step, from_step);
            match trained {
                Err(TrainerError::Interrupted { step, folder: at, .. }) => {
                    prop_assert!(step >= *stop && step > from_step);
                    (folder, from_step) = (Some(at), step);
                }
                // Several steps are made at once, perhaps all that were left.
                Ok(finished) => {
                    (folder, from_step) = (Some(finished.folder), STEPS);
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
        let folder = folder.unwrap();
        if from_step < STEPS {
            resume(&folder, &options(2, every), &mut StopAfter::default()).unwrap();
        }
        prop_assert!(SavedRun::open(&folder).unwrap().is_complete());
        prop_assert_eq!(bytes(&folder), uninterrupted(&experiment));
        let sittings = Sitting::read_all(&folder).unwrap();
        let ends: Vec<_> = sittings.windows(2).map(|pair| (pair[0].to_step, pair[1].from_step)).collect();
        prop_assert!(ends.iter().all(|(end, start)| end == start), "{:?}", ends);
    }
}

#[test]
fn the_experiments_of_these_tests_are_rescaled() {
    for optimizer in [SGD, SGDW, ADAMW] {
        let experiment = experiment_of(optimizer, "float32");
        let plan = trainer::run::dry_run(&experiment, DeviceKind::Cpu).unwrap();
        let mut rescaled = plan.runs[1].rescaled.iter();
        assert!(rescaled.any(|&step| step > 1), "{optimizer}");
    }
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_is_used() {
    let damage: [(&str, Damage); 6] = [
        ("state.safetensors", |bytes| bytes[1000] ^= 1),
        ("state.safetensors", |bytes| bytes.truncate(100)),
        ("manifest.json", |bytes| {
            let at = bytes.iter().position(|&byte| byte == b'6').unwrap();
            bytes[at] = b'7';
        }),
        ("SHA256SUMS", |bytes| bytes[3] ^= 1),
        ("SHA256SUMS", |bytes| bytes[0] = 0xff),
        ("SHA256SUMS", Vec::clear),
    ];
    let wanted = uninterrupted(&experiment("float32"));
    for (file, damage) in damage {
        let runs = tempfile::tempdir().unwrap();
        let folder = stopped(runs.path());
        let path = folder.join("checkpoints/step-0000000006").join(file);
        let mut bytes_of = fs::read(&path).unwrap();
        damage(&mut bytes_of);
        fs::write(&path, bytes_of).unwrap();
        let mut observer = StopAfter::default();
        resume(&folder, &options(1, Duration::ZERO), &mut observer).unwrap();
        let [named] = &observer.unusable[..] else {
            panic!("{:?}", observer.unusable)
        };
        assert!(named.contains("step-0000000006: "), "{named}");
        assert!(
            named.ends_with("is not as it was written: its SHA-256 is another"),
            "{named}"
        );
        assert!((1..6).contains(&observer.from_step));
        assert_eq!(bytes(&folder), wanted);
        assert_eq!(checkpoints(&folder).len(), 2);
    }
}

#[test]
fn without_a_whole_checkpoint_training_starts_again_in_the_same_folder() {
    let wanted = uninterrupted(&experiment("float32"));
    for gone in [false, true] {
        let runs = tempfile::tempdir().unwrap();
        let folder = stopped(runs.path());
        if gone {
            fs::remove_dir_all(folder.join("checkpoints")).unwrap();
        } else {
            // Then no checkpoint fits the records.
            fs::write(folder.join("records.jsonl"), "{\"kind\":\"fin").unwrap();
        }
        let mut observer = StopAfter::default();
        let finished = resume(&folder, &options(1, Duration::ZERO), &mut observer).unwrap();
        assert_eq!((observer.from_step, &finished.folder), (0, &folder));
        assert_eq!(observer.unusable.len(), if gone { 0 } else { 2 });
        assert_eq!(bytes(&folder), wanted);
    }
}

#[test]
fn a_half_made_checkpoint_is_none() {
    let runs = tempfile::tempdir().unwrap();
    let folder = stopped(runs.path());
    let half = folder.join("checkpoints/partial");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("state.safetensors"), "half").unwrap();
    let mut observer = StopAfter::default();
    resume(&folder, &options(1, Duration::ZERO), &mut observer).unwrap();
    assert_eq!((observer.from_step, observer.unusable.len()), (6, 0));
    assert_eq!(bytes(&folder), uninterrupted(&experiment("float32")));
    assert!(!half.exists());
}

#[test]
fn what_is_not_the_run_is_refused_and_nothing_is_changed() {
    let runs = tempfile::tempdir().unwrap();
    let folder = stopped(runs.path());
    let before = fs::read(folder.join("records.jsonl")).unwrap();
    let options = options(1, Duration::ZERO);
    let refused = |dataset| {
        let run = SavedRun::open(&folder).unwrap();
        run.resume(dataset, &options, &mut |_: &Event<'_>| {})
            .unwrap_err()
    };
    let other = refused(images(1));
    assert!(matches!(other, TrainerError::OtherData { .. }), "{other}");
    assert!(other.is_bad_input() && other.to_string().contains("--data"));

    // Another process that trains it.
    let mut inner = None;
    let run = SavedRun::open(&folder).unwrap();
    let mut observer = |event: &Event<'_>| {
        if let Event::Started { .. } = event {
            inner = Some(refused(images(0)));
        }
    };
    run.resume(images(0), &options, &mut observer).unwrap();
    let inner = inner.unwrap();
    assert!(matches!(inner, TrainerError::InUse { .. }), "{inner}");

    let complete = refused(images(0));
    assert!(
        matches!(complete, TrainerError::Complete { .. }),
        "{complete}"
    );
    let after = fs::read(folder.join("records.jsonl")).unwrap();
    assert!(after.starts_with(&before) && after.len() > before.len());

    let toml = folder.join("experiment.toml");
    let text = fs::read_to_string(&toml).unwrap();
    fs::write(&toml, text.replace("momentum = 0.0", "momentum = 0.1")).unwrap();
    let changed = SavedRun::open(&folder).unwrap_err();
    assert!(
        matches!(changed, TrainerError::ExperimentChanged { .. }),
        "{changed}"
    );
    let none = SavedRun::open(runs.path()).unwrap_err();
    assert!(matches!(none, TrainerError::Records(_)), "{none}");
}
