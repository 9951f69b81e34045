//! `cargo xtask repro`: the main job.

use std::process::ExitCode;

use texp_cli::{Places, RunArgs, train};

use crate::root;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunArgs,
}

/// Trains `experiments/figure-2.toml`, at its `small` preset unless another is named.
pub(crate) fn run(Args { mut run }: Args) -> ExitCode {
    run.preset.get_or_insert_with(|| "small".to_owned());
    // Whatever folder of the workspace it is called from.
    let (root, places) = (root(), Places::within(&root()));
    match train(
        &root.join("experiments/figure-2.toml"),
        &run,
        &places,
        &["cargo", "xtask", "repro"],
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
