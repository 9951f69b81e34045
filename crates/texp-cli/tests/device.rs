//! `--device`: what is computed on what, and what is said where there is no GPU. The GPU is the simulated driver.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{TINY, command};
use nn_cuda::CudaEngine;
use nn_engine::EngineOptions;
use run_records::{Record, Sitting};
use trainer::experiment::{Arithmetic, Experiment};

/// Exit code, standard output and standard error of a training of [`TINY`], changed as told.
fn train(folder: &Path, change: [&str; 2], arguments: &[&str]) -> (i32, String, String) {
    let text = TINY.replace(change[0], change[1]);
    fs::write(folder.join("tiny.toml"), text).unwrap();
    let arguments = [&["train", "tiny.toml", "--synthetic"], arguments].concat();
    let output = command(folder, &arguments).output().unwrap();
    let [out, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code().unwrap(), out, said)
}

fn sitting(folder: &Path) -> Sitting {
    let mut sittings = Sitting::read_all(&folder.join("runs/tiny")).unwrap();
    assert_eq!(sittings.len(), 1);
    sittings.remove(0)
}

/// What [`TINY`]'s runs take on a GPU.
fn engine_bytes() -> u128 {
    let experiment = Experiment::parse(TINY, "tiny.toml", None).unwrap();
    let graph = experiment.network.graph().unwrap();
    let options = EngineOptions {
        replicas: 2,
        ..EngineOptions::new(&graph, 4)
    };
    CudaEngine::bytes_needed(&graph, &options).unwrap()
}

/// What its images do.
const IMAGE_BYTES: u64 = 24 * (3 * 32 * 32 + 1);

const FLOAT64: [&str; 2] = [
    "batch_size = 4\n",
    "batch_size = 4\nprecision = \"float64\"\n",
];

#[test]
fn without_a_gpu_auto_trains_on_the_cpu_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["--device", "auto"], &["--device", "cpu"]] {
        let (code, _, said) = train(folder.path(), ["", ""], arguments);
        assert_eq!(code, 0, "{said}");
        let why = said
            .starts_with("Training on the CPU: there is no GPU to compute with: NVIDIA's driver ");
        assert_eq!(why, arguments != ["--device", "cpu"], "{said}");
        assert!(said.contains("Engine: nn-cpu (float32, "), "{said}");
        // Also where the next machine has a GPU.
        let Sitting {
            device, command, ..
        } = sitting(folder.path());
        assert!(device.starts_with("nn-cpu (float32, "), "{device}");
        assert_eq!(command, "texp train tiny.toml --synthetic --device cpu");
        fs::remove_dir_all(folder.path().join("runs")).unwrap();
    }
    let (code, _, said) = train(folder.path(), FLOAT64, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with("Training on the CPU: the experiment's numbers are float64, and the GPU trains in float32; "),
        "{said}"
    );
    assert!(
        sitting(folder.path())
            .device
            .starts_with("nn-reference (float64, ")
    );
}

#[test]
fn without_a_gpu_cuda_is_one_sentence_and_exit_code_2_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (change, why) in [
        (
            ["", ""],
            "error: there is no GPU to compute with: NVIDIA's driver ",
        ),
        (
            FLOAT64,
            "error: the experiment's numbers are float64, and the GPU trains in float32; ",
        ),
    ] {
        let (code, _, said) = train(folder.path(), change, &["--device", "cuda"]);
        assert_eq!(code, 2, "{said}");
        assert!(said.starts_with(why), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert!(!folder.path().join("runs").exists());
    }
}

#[test]
fn what_only_a_gpu_multiplies_is_never_trained_on_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    let why = |format| {
        format!(
            "error: the experiment's convolutions multiply in {format}, which the CPU does not; train in float32 (leave out \
             `training.precision` and --precision), or on a GPU (--device cuda)"
        )
    };
    for format in ["tf32x3", "tf32", "bf16"] {
        let precision = format!("batch_size = 4\nprecision = \"{format}\"\n");
        let change = ["batch_size = 4\n", &precision];
        for (arguments, begins, says) in [
            (&[][..], why(format), "; here "),
            (&["--device", "auto", "--dry-run"], why(format), "; here "),
            (&["--device", "cpu"], why(format) + "\n", ""),
            (&["--device", "cpu", "--dry-run"], why(format) + "\n", ""),
            (&["--device", "cuda"], "error: ".to_owned(), ""),
        ] {
            let (code, _, said) = train(folder.path(), change, arguments);
            assert_ne!(code, 0, "{said}");
            assert!(said.starts_with(&begins) && said.contains(says), "{said}");
            assert_eq!(said.trim().lines().count(), 1, "{said}");
            assert!(!folder.path().join("runs").exists());
        }
    }
}

#[test]
fn a_precision_of_the_command_line_is_one_of_the_experiment() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = command(folder.path(), arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (code, _, said) = train(folder.path(), ["", ""], &["--precision", "float64"]);
    assert_eq!(code, 0, "{said}");
    let sitting = sitting(folder.path());
    assert!(
        sitting.device.starts_with("nn-reference (float64, "),
        "{sitting:?}"
    );
    assert_eq!(
        sitting.command,
        "texp train tiny.toml --precision float64 --synthetic --device cpu"
    );
    let runs = folder.path().join("runs");
    let kept = Experiment::read(&runs.join("tiny/experiment.toml"), None).unwrap();
    assert_eq!(kept.training.precision, Arithmetic::Float64);
    // No run goes on in another.
    let (code, said) = run(&["resume", "runs/tiny", "--precision", "float32"]);
    assert!(code == 2 && said.contains("unexpected argument"), "{said}");
    fs::remove_dir_all(&runs).unwrap();

    // What a GPU alone does is refused before anything is there, in a training and in a reproduction.
    let experiments = folder.path().join("experiments");
    fs::create_dir(&experiments).unwrap();
    let text = format!("{TINY}[presets.small]\n");
    fs::write(experiments.join("tiny.toml"), text).unwrap();
    let bf16 = ["--precision", "bf16", "--synthetic"];
    for what in [&["train", "tiny.toml"][..], &["repro"]] {
        for device in ["cpu", "auto"] {
            let (code, said) = run(&[what, &bf16, &["--device", device]].concat());
            assert_eq!(code, 2, "{said}");
            let why =
                "error: the experiment's convolutions multiply in bf16, which the CPU does not";
            assert!(said.starts_with(why), "{said}");
            assert!(!runs.exists());
        }
    }
}

#[test]
fn a_dry_run_knows_the_memory_on_a_gpu_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told, said) = train(folder.path(), ["", ""], &["--device", "cuda", "--dry-run"]);
    assert_eq!((code, said.as_str()), (0, ""));
    let bytes = engine_bytes();
    let memory = format!("Memory of the engine, on the GPU: {bytes} bytes (");
    assert!(told.contains(&memory), "{told}");
    let memory = format!("Memory of the images, on the GPU: {IMAGE_BYTES} bytes (");
    assert!(told.contains(&memory), "{told}");

    let (code, _, said) = train(folder.path(), FLOAT64, &["--device", "cuda", "--dry-run"]);
    assert_eq!(code, 2, "{said}");
}

/// Where the simulated driver is; says so and gives none where it cannot be compiled.
fn simulator() -> Option<PathBuf> {
    match cuda_sim::build() {
        Ok(libraries) => Some(libraries.folder().to_owned()),
        Err(error @ cuda_sim::SimulatorError::NoCompiler(_)) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A training of [`TINY`] with the libraries in a folder, and so many bytes on the device: exit code and standard error.
fn train_with(libraries: &Path, memory: u64, folder: &Path, arguments: &[&str]) -> (i32, String) {
    fs::write(folder.join("tiny.toml"), TINY).unwrap();
    let arguments = [&["train", "tiny.toml", "--synthetic"], arguments].concat();
    let mut command = command(folder, &arguments);
    command
        .env_remove("CUDA_VISIBLE_DEVICES")
        .env("LD_LIBRARY_PATH", libraries)
        .env("CUDA_SIM_MEMORY", memory.to_string())
        .env("NN_CUDA_CACHE", env!("CARGO_TARGET_TMPDIR"));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

fn records(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    let lines = text.lines().filter(|line| !line.contains("finished"));
    lines.map(str::to_owned).collect()
}

fn losses(folder: &Path) -> Vec<f64> {
    let lines = records(folder);
    let read = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    read.filter_map(|record| match record {
        Record::Step { loss, .. } => Some(loss),
        _ => None,
    })
    .collect()
}

#[test]
fn a_gpu_trains_the_same_every_time_and_close_to_the_cpu() {
    let Some(simulator) = simulator() else { return };
    let folder = tempfile::tempdir().unwrap();
    let enough = 1 << 30;
    for device in ["cuda", "auto", "cpu"] {
        let (code, said) = train_with(&simulator, enough, folder.path(), &["--device", device]);
        assert_eq!(code, 0, "{said}");
        let engine = if device == "cpu" { "nn-cpu" } else { "nn-cuda" };
        assert!(
            said.contains(&format!("\nEngine: {engine} (float32, ")),
            "{said}"
        );
        assert!(!said.contains("Training on the CPU"), "{said}");
    }
    let runs = folder.path().join("runs");
    let Sitting {
        device, command, ..
    } = sitting(folder.path());
    assert!(
        device.starts_with("nn-cuda (float32, ") && !device.contains("thread"),
        "{device}"
    );
    assert_eq!(command, "texp train tiny.toml --synthetic --device cuda");
    let page = fs::read_to_string(runs.join("tiny/report.html")).unwrap();
    assert!(page.contains("nn-cuda (float32, "));

    assert_eq!(records(&runs.join("tiny")), records(&runs.join("tiny-2")));
    let [gpu, cpu] = ["tiny", "tiny-3"].map(|run| losses(&runs.join(run)));
    assert_eq!((gpu.len(), cpu.len()), (16, 16));
    assert_ne!(gpu, cpu, "two engines, and not one");
    for (gpu, cpu) in gpu.iter().zip(&cpu) {
        assert!((gpu / cpu - 1.0).abs() < 1e-5, "{gpu} and {cpu}");
    }
}

#[test]
fn a_gpu_that_is_too_small_is_told_before_anything_is_allocated() {
    let Some(simulator) = simulator() else { return };
    let folder = tempfile::tempdir().unwrap();
    // The runs fit, and then the images do not.
    let small = engine_bytes() as u64 + IMAGE_BYTES / 2;
    let (code, said) = train_with(&simulator, small, folder.path(), &["--device", "cuda"]);
    assert_eq!(code, 1, "{said}");
    let message = said.trim();
    assert!(
        message.starts_with("error: the GPU has ")
            && message.ends_with(" images fit, or 1 replicas"),
        "{message}"
    );
    assert!(!folder.path().join("runs").exists());
    let (code, said) = train_with(&simulator, small, folder.path(), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with("Training on the CPU: the GPU has "),
        "{said}"
    );
}

#[test]
fn a_gpu_without_a_compiler_is_told() {
    let Some(simulator) = simulator() else { return };
    let folder = tempfile::tempdir().unwrap();
    let driver = folder.path().join("driver");
    fs::create_dir(&driver).unwrap();
    fs::copy(simulator.join("libcuda.so"), driver.join("libcuda.so")).unwrap();
    let (code, said) = train_with(&driver, 1 << 30, folder.path(), &["--device", "cuda"]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.starts_with(
            "error: there is no GPU to compute with: NVIDIA's run-time compiler (libnvrtc, "
        ),
        "{said}"
    );
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    let (code, said) = train_with(&driver, 1 << 30, folder.path(), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("Training on the CPU: "), "{said}");
}
