//! `cargo xtask peers`: what texp emits, trained with PyTorch itself.

pub(crate) mod environment;
mod inspected;
mod models;
mod schedulers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo::{cargo, succeeds};
use crate::root;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A Python that has PyTorch, instead of an environment of its own in `target/peers`.
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
}

/// Generates schedulers, also for groups that `texp inspect` finds in exported networks, and checks with PyTorch that
/// they train as the recipe does, and what else `schedule-core` says of PyTorch; then inspects known networks.
///
/// Exits with 1 if a check fails, with 2 if they cannot be run.
pub(crate) fn run(args: &Args) -> ExitCode {
    let folder = root().join("target/peers");
    match check(args, &folder) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything holds.
fn check(args: &Args, folder: &Path) -> Result<bool, String> {
    let python = match &args.python {
        Some(python) => environment::that_loads(python, environment::MODULES)?,
        None => environment::made(&folder.join("python"))?,
    };
    let generated = folder.join("generated");
    let inspected = inspected::write_all(&python, &generated)?;
    schedulers::write_all(&generated, inspected)?;

    let mut train = Command::new(&python);
    // No caches among the sources.
    train.arg("-B").arg(root().join("xtask/src/peers/check.py"));
    train.arg(generated);
    train.arg(root().join("crates/schedule-core/tests/data/pytorch_steps.json"));
    let trains = succeeds(&mut train);

    let (is_documented, mut witness) = models::check(&python, &folder.join("models"))?;
    Ok(succeeds(&mut witness) && is_documented && trains)
}

/// What this workspace's `texp` writes to standard output.
fn texp<'a>(
    folder: &Path,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<u8>, String> {
    let mut command = cargo(["run", "--quiet", "--package", "texp-cli", "--bin", "texp"]);
    command
        .arg("--manifest-path")
        .arg(root().join("Cargo.toml"));
    command.arg("--").args(arguments).current_dir(folder);
    let output = command.output();
    let output = output.map_err(|error| format!("cargo cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn write(path: &Path, text: &[u8]) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
