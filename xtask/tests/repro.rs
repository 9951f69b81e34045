//! The main job: on a GPU, which the simulated driver is, and again.

use std::path::Path;
use std::process::Command;

use cuda_sim::SimulatorError;
use run_records::{Ending, RunFolder, Sitting};

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
    let (said, told) = repro(
        runs.path(),
        &[
            "--figure",
            "2",
            "--figure",
            "law",
            "--figure",
            "precisions",
            "--device",
            "cuda",
        ],
        |command| {
            command.env("LD_LIBRARY_PATH", libraries.folder());
            command.env("NN_CUDA_CACHE", env!("CARGO_TARGET_TMPDIR"));
        },
    );
    println!("{told}");
    assert!(
        told.contains(", in 7 trainings, 1 at a time on the GPU, 1 at a time on the CPU.\n"),
        "{told}"
    );
    // What is in float64 is on the CPU.
    for (run, engine) in [
        ("figure-2", "nn-cuda (float32, "),
        ("law-float32", "nn-cuda (float32, "),
        ("law-float64", "nn-reference (float64, "),
        ("precisions-float32", "nn-cuda (float32, "),
        (
            "precisions-tf32x3",
            "nn-cuda (float32 with tf32x3 products, ",
        ),
        ("precisions-tf32", "nn-cuda (float32 with tf32 products, "),
        ("precisions-bf16", "nn-cuda (float32 with bf16 products, "),
    ] {
        let run = runs.path().join(format!("{run}-seed-1-tiny"));
        let device = &Sitting::read_all(&run).unwrap()[0].device;
        assert!(device.starts_with(engine), "{device}");
    }
    for law in [
        "float64 a step agrees to 1e-12",
        "float32 a step agrees to 1e-5",
        "tf32x3 a step agrees to 1e-5",
        "tf32 a step agrees to a tenth",
        "bf16 a step agrees to a fifth",
    ] {
        let law = format!("  reproduced      in {law}");
        assert!(said.contains(&law), "{said}");
    }
    let run = runs.path().join("figure-2-seed-1-tiny");
    let folder = RunFolder::read(&run).unwrap();
    assert_eq!(folder.ending, Ending::Finished);
    let steps: Vec<_> = folder.runs.iter().map(|run| run.steps.len()).collect();
    assert_eq!(steps, [16, 16, 16]);
    assert!(runs.path().join("reproduction-tiny/report.html").is_file());
}

/// What it writes to standard output and standard error.
fn repro(out: &Path, arguments: &[&str], on: impl Fn(&mut Command)) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["repro", "--preset", "tiny", "--synthetic", "--out"]);
    command.arg(out).args(arguments);
    on(&mut command);
    let output = command.output().unwrap();
    let [said, told] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{told}");
    (said, told)
}

#[test]
fn each_run_is_trained_once_and_shared_by_figures() {
    let runs = tempfile::tempdir().unwrap();
    let cpu = |arguments: &[&str]| {
        let arguments = [&["--device", "cpu"], arguments].concat();
        repro(runs.path(), &arguments, |_| {})
    };
    let (said, told) = cpu(&["--figure", "figure-3"]);
    assert!(
        told.contains("\n2 runs to train, in 1 trainings, "),
        "{told}"
    );
    assert!(
        said.contains(" (figure-3)\n") && !said.contains("(figure-2)"),
        "{said}"
    );
    // Figure 2 has three runs, of which TEXP is there already, but not beside the original that it is compared with.
    let (_, told) = cpu(&["--figure", "2", "--figure", "3"]);
    assert!(
        told.contains("\n3 runs to train, in 1 trainings, "),
        "{told}"
    );
    let (all, _) = cpu(&["--seeds", "2"]);
    let (again, told) = cpu(&["--seeds", "2", "--jobs", "1"]);
    let left_out = told.matches(" is left out: ").count();
    assert!(left_out == 1 && !all.contains(" (precisions)\n"), "{told}");
    assert!(
        told.contains("\n0 runs to train, in 0 trainings.\n"),
        "{told}"
    );
    let verdicts = |text: &str| -> Vec<String> {
        let lines = text.lines().take_while(|line| !line.ends_with(" s in all"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(verdicts(&again), verdicts(&all));
    for figure in [
        "figure-1",
        "figure-6",
        "degrees",
        "law",
        "normalisers",
        "optimisers",
        "overflow",
        "parameter-groups",
        "wrong-runs",
    ] {
        assert!(all.contains(&format!(" ({figure})\n")), "{all}");
    }
    // The laws are decided by any number of steps, and degrees by none.
    for law in [
        "in float64 a step agrees to 1e-12",
        "in float32 a step agrees to 1e-5",
        "from equal states, a step of SGDW agrees to 1e-12",
        "from equal states, a step of AdamW agrees to 1e-12",
        "plain CNN with affine: behind one, normalisations read degree 2",
    ] {
        assert!(all.contains(&format!("  reproduced      {law}")), "{all}");
    }
}
