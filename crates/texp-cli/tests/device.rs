//! `--device`: what is computed on what, and what is said where there is no GPU.

mod common;

use std::fs;
use std::path::Path;

use common::{TINY, command};
use nn_cuda::CudaEngine;
use nn_engine::EngineOptions;
use trainer::Manifest;
use trainer::experiment::Experiment;

/// Exit code, standard output and standard error of a training of [`TINY`], changed as told.
fn train(folder: &Path, change: [&str; 2], arguments: &[&str]) -> (i32, String, String) {
    let text = TINY.replace(change[0], change[1]);
    fs::write(folder.join("tiny.toml"), text).unwrap();
    let arguments = [&["train", "tiny.toml", "--synthetic"], arguments].concat();
    let output = command(folder, &arguments).output().unwrap();
    let [out, said] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code().unwrap(), out, said)
}

fn manifest(folder: &Path) -> Manifest {
    let text = fs::read_to_string(folder.join("runs/tiny/manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

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
        let Manifest {
            device, command, ..
        } = manifest(folder.path());
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
        manifest(folder.path())
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
fn a_dry_run_knows_the_memory_on_a_gpu_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told, said) = train(folder.path(), ["", ""], &["--device", "cuda", "--dry-run"]);
    assert_eq!((code, said.as_str()), (0, ""));
    let experiment = Experiment::parse(TINY, "tiny.toml", None).unwrap();
    let graph = experiment.network.graph().unwrap();
    let options = EngineOptions {
        replicas: 2,
        ..EngineOptions::new(&graph, 4)
    };
    let bytes = CudaEngine::bytes_needed(&graph, &options).unwrap();
    let memory = format!("Memory of the engine, on the GPU: {bytes} bytes (");
    assert!(told.contains(&memory), "{told}");
    let images = 24 * (3 * 32 * 32 + 1);
    let memory = format!("Memory of the images, on the GPU: {images} bytes (");
    assert!(told.contains(&memory), "{told}");

    let (code, _, said) = train(folder.path(), FLOAT64, &["--device", "cuda", "--dry-run"]);
    assert_eq!(code, 2, "{said}");
}
