//! The command `texp`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use texp_cli::{Places, RunArgs, rewrite_report, train};

/// Weight decay and exponential learning rates: train a recipe and its exact twin.
#[derive(Debug, Parser)]
#[command(name = "texp", version)]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train all runs of an experiment in lockstep, and write its report.
    Train {
        /// The experiment, as TOML.
        file: PathBuf,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Write the report of a run folder again.
    Report {
        /// The run folder.
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Verb::Train { file, run } => {
            let preset = run
                .preset
                .as_ref()
                .map(|preset| format!(" --preset {preset}"));
            let command = format!(
                "texp train {}{}",
                file.display(),
                preset.unwrap_or_default()
            );
            train(&file, &run, &Places::within(Path::new("")), command)
        }
        Verb::Report { folder } => rewrite_report(&folder),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
