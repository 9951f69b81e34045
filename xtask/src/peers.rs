//! `cargo xtask peers`: what texp emits, trained with PyTorch itself.

mod environment;
mod inspected;
mod schedulers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo;
use crate::root;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A Python that has PyTorch, instead of an environment of its own in `target/peers`.
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
}

/// Generates schedulers, also for groups that `texp inspect` finds in exported networks, and checks with PyTorch that
/// they train as the recipe does, and what else `schedule-core` says of PyTorch.
///
/// Exits with 1 if a check fails, with 2 if they cannot be run.
pub(crate) fn run(args: &Args) -> ExitCode {
    let folder = root().join("target/peers");
    match prepare(args, &folder) {
        Ok(mut check) => cargo::run(&mut check),
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
    }
}

/// The command that checks everything.
fn prepare(args: &Args, folder: &Path) -> Result<Command, String> {
    let python = match &args.python {
        Some(python) => environment::with_pytorch(python)?,
        None => environment::made(&folder.join("python"))?,
    };
    let generated = folder.join("generated");
    let inspected = inspected::write_all(&python, &generated)?;
    schedulers::write_all(&generated, inspected)?;

    let mut check = Command::new(python);
    // No caches among the sources.
    check.arg("-B").arg(root().join("xtask/src/peers/check.py"));
    check.arg(generated);
    check.arg(root().join("crates/schedule-core/tests/data/pytorch_steps.json"));
    Ok(check)
}

fn write(path: &Path, text: &[u8]) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
