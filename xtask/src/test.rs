//! `cargo xtask test`: every test there is.

use std::process::ExitCode;

use crate::cargo::{self, cargo};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Passed on to `cargo test`: a test's name, or `NAME -- --nocapture`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pass_on: Vec<String>,
}

/// Unit, integration and documentation tests of all crates with all features.
pub(crate) fn run(args: &Args) -> ExitCode {
    eprintln!(
        "cargo test --workspace --all-features {}",
        args.pass_on.join(" ")
    );
    cargo::run(cargo(["test", "--workspace", "--all-features"]).args(&args.pass_on))
}
