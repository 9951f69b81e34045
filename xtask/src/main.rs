//! `cargo xtask VERB`: everything that is done to this workspace, one file a verb.
#![forbid(unsafe_code)]

mod bench;
mod cargo;
mod gpu_bundle;
mod kernels;
mod package;
mod peers;
mod python;
mod repro;
mod spec;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The workspace's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train what the figures need and is not there yet, and write the report with a verdict on every claim.
    Repro(texp_cli::ReproArgs),
    /// Run every test.
    Test(test::Args),
    /// Check every statement of the theory on random cases, and print a table.
    Spec(spec::Args),
    /// Package every crate, and use each one alone.
    Package,
    /// Train with PyTorch what texp generates; installs PyTorch into target/peers.
    Peers(peers::Args),
    /// Compile nn-cuda's kernels with NVIDIA's compiler, which needs no GPU; installs it into target/kernels.
    Kernels(kernels::Args),
    /// Build a folder that checks and times nn-cuda on a machine with a GPU and without Rust.
    GpuBundle(gpu_bundle::Args),
    /// Measure how fast an engine trains, and others beside it.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Repro(args) => repro::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Spec(args) => spec::run(&args),
        Verb::Package => package::run(),
        Verb::Peers(args) => peers::run(&args),
        Verb::Kernels(args) => kernels::run(&args),
        Verb::GpuBundle(args) => gpu_bundle::run(&args),
        Verb::Bench(args) => bench::run(&args),
    }
}

/// Root of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The exit code of a task that checks: 1 if it complains of something, 2 if it could not be done. Prints what is wrong.
fn verdict(checked: Result<Vec<String>, String>) -> ExitCode {
    match checked {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            complaints
                .iter()
                .for_each(|complaint| eprintln!("error: {complaint}"));
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::from(2)
        }
    }
}
