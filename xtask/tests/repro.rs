//! The main job on a GPU, which the simulated driver is.

use std::fs;
use std::process::Command;

use cuda_sim::SimulatorError;

#[test]
fn the_main_job_trains_on_a_gpu() {
    let libraries = match cuda_sim::build() {
        Ok(libraries) => libraries,
        Err(error @ SimulatorError::NoCompiler(_)) => {
            eprintln!("skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let runs = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args([
            "repro",
            "--preset",
            "tiny",
            "--synthetic",
            "--device",
            "cuda",
            "--out",
        ])
        .arg(runs.path())
        .env("LD_LIBRARY_PATH", libraries.folder())
        .env("NN_CUDA_CACHE", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    println!("{said}");
    let run = runs.path().join("figure-2-tiny");
    let manifest = fs::read_to_string(run.join("manifest.json")).unwrap();
    assert!(
        manifest.contains("\"device\": \"nn-cuda (float32, "),
        "{manifest}"
    );
    assert!(
        manifest.contains("\"command\": \"cargo xtask repro --preset tiny --synthetic --out "),
        "{manifest}"
    );
    let records = fs::read_to_string(run.join("records.jsonl")).unwrap();
    let steps = records
        .lines()
        .filter(|line| line.contains("\"step\","))
        .count();
    assert_eq!(steps, 3 * 16);
    assert!(records.lines().last().unwrap().contains("finished"));
    assert!(run.join("report.html").is_file());
}
