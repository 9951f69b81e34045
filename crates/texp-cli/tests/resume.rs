//! A run that is killed again and again, and resumed, leaves the same bytes as one that is not; Ctrl-C saves.
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{TINY, command, success, texp};
use run_records::Sitting;
use trainer::run::SavedRun;

/// How often a run is killed.
const KILLS: usize = 20;

/// Long enough to be killed so often: 40 epochs of 4 steps.
fn write_experiment(folder: &Path) {
    let long = TINY.replace("epochs = 2", "epochs = 40");
    fs::write(folder.join("tiny.toml"), long).unwrap();
}

const TRAIN: [&str; 7] = [
    "train",
    "tiny.toml",
    "--synthetic",
    "--checkpoint-every",
    "0",
    "--threads",
    "2",
];
const RESUME: [&str; 7] = [
    "resume",
    "runs/tiny",
    "--synthetic",
    "--checkpoint-every",
    "0",
    "--threads",
    "1",
];

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = command(folder, arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// What a run leaves that depends on nothing else.
fn bytes(run: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    let files = [
        "experiment.toml",
        "manifest.json",
        "records.jsonl",
        "checkpoints/step-0000000160/manifest.json",
        "checkpoints/step-0000000160/state.safetensors",
        "checkpoints/step-0000000160/SHA256SUMS",
    ];
    files
        .into_iter()
        .map(|file| (file, fs::read(run.join(file)).unwrap()))
        .collect()
}

/// Numbers that look random, the same each time.
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state >> 33
    }
}

/// Starts or resumes the run, kills it after some time, and tells whether it was still alive.
fn kill_after(folder: &Path, time: Duration) -> bool {
    let run = folder.join("runs/tiny");
    // Without its sittings it was killed before there was anything to resume.
    let mut child = match run.join("sittings.json").exists() {
        true => start(folder, &RESUME),
        false => {
            let _ = fs::remove_dir_all(&run);
            start(folder, &TRAIN)
        }
    };
    sleep(time);
    let alive = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    alive && !child.wait().unwrap().success()
}

#[test]
fn twenty_kills_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_experiment(folder);
    let started = Instant::now();
    success(texp(folder, &TRAIN, ""));
    let longest = started.elapsed().as_millis() as u64 / 8 + 1;
    let (whole, killed) = (folder.join("whole"), folder.join("runs/tiny"));
    fs::rename(folder.join("runs"), &whole).unwrap();
    let wanted = bytes(&whole.join("tiny"));

    let mut random = random(7);
    let (mut kills, mut resumed) = (0, 0);
    while kills < KILLS {
        // A run to its end, and to another if it was not killed often enough on the way.
        let _ = fs::remove_dir_all(&killed);
        let complete = || SavedRun::open(&killed).is_ok_and(|run| run.is_complete());
        while kills < KILLS && !complete() {
            let time = Duration::from_millis(random() % longest);
            kills += usize::from(kill_after(folder, time));
            let records = killed.join("records.jsonl");
            if random().is_multiple_of(4) && !complete() && records.exists() {
                // Half a line, as is left where a system writes in parts.
                let mut text = fs::read(&records).unwrap();
                text.extend(b"{\"kind\":\"st");
                fs::write(&records, text).unwrap();
            }
        }
        if !complete() {
            match killed.join("sittings.json").exists() {
                true => success(texp(folder, &RESUME, "")),
                false => continue,
            };
        }
        assert_eq!(bytes(&killed), wanted);
        resumed += Sitting::read_all(&killed).unwrap().len() - 1;
    }
    assert!(resumed >= 5, "{resumed}");
    println!("{kills} kills, resumed {resumed} times");
}

/// Sends a signal to a process.
fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn ctrl_c_finishes_the_step_saves_and_says_how_to_go_on() {
    for name in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        write_experiment(folder.path());
        let mut command = command(folder.path(), &["train", "tiny.toml", "--synthetic"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let run = folder.path().join("runs/tiny");
        while !run.join("sittings.json").exists() {
            sleep(Duration::from_millis(1));
        }
        signal(&child, name);
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
        assert!(said.contains("Stopping after this step"), "{said}");
        let last = said.lines().last().unwrap();
        assert!(
            last.starts_with("training was stopped before step ")
                && last.ends_with(
                    "everything is saved in `runs/tiny`, and `texp resume runs/tiny` goes on"
                ),
            "{said}"
        );
        let (_, said) = success(texp(
            folder.path(),
            &["resume", "runs/tiny", "--synthetic"],
            "",
        ));
        assert!(said.contains("Going on after step "), "{said}");
        let again = texp(folder.path(), &["resume", "runs/tiny"], "");
        assert_eq!(again.status.code(), Some(2));
    }
}
