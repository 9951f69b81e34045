//! `cargo xtask test`: every test there is.

use std::process::{Command, ExitCode};

use crate::root;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Passed on to `cargo test`: a test's name, or `NAME -- --nocapture`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pass_on: Vec<String>,
}

/// Unit, integration and documentation tests of all crates with all features.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["test", "--workspace", "--all-features"])
        .args(&args.pass_on)
        .current_dir(root());
    eprintln!(
        "cargo test --workspace --all-features {}",
        args.pass_on.join(" ")
    );
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: cargo cannot be started: {error}");
            ExitCode::FAILURE
        }
    }
}
