//! `cargo xtask spec`: the theory, checked.

use std::process::ExitCode;

use crate::cargo::{self, cargo};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Random cases for each statement.
    #[arg(long, value_name = "N", default_value_t = 256)]
    cases: u32,
    /// Seed of the cases.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Steps of a case of the statements over GF(2⁶¹ − 1).
    #[arg(long, value_name = "T", default_value_t = 200)]
    field_steps: u64,
}

/// Tests every statement of `schedule-core`'s specification on random cases and prints a table.
///
/// An example of that crate, so that no other task has to compile what only tests need.
pub(crate) fn run(args: &Args) -> ExitCode {
    let numbers = [args.cases.into(), args.seed, args.field_steps].map(|number| number.to_string());
    let example = ["run", "--quiet", "--release", "--package", "schedule-core"];
    let spec = ["--features", "proptest", "--example", "spec", "--"];
    cargo::run(cargo(example).args(spec).args(numbers))
}
