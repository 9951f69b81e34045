//! `cargo xtask repro`: the main job.

use std::process::ExitCode;

use texp_cli::{Places, ReproArgs, repro};

use crate::root;

/// Reproduces the figures of `experiments/`, whatever folder of the workspace it is called from.
pub(crate) fn run(args: &ReproArgs) -> ExitCode {
    let (root, places) = (root(), Places::within(&root()));
    let command = ["cargo", "xtask", "repro"];
    match repro(&root.join("experiments"), args, &places, &command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
