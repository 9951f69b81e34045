//! `cargo xtask bench`: how fast the engines are, and against whom.

mod ceilings;
mod comparison;
mod contestant;
mod cpu;
mod facts;
pub(crate) mod program;
mod record;
mod roofline;
mod scaling;
mod timing;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    engine: Engine,
}

#[derive(Debug, Subcommand)]
enum Engine {
    /// Train PreResNet-32 with nn-cpu, beside others if asked to, and print a record.
    Cpu(cpu::Args),
}

/// Measures; exits with 1 if something could not be measured and the record says so, with 2 if there is no record.
pub(crate) fn run(Args { engine }: &Args) -> ExitCode {
    let Engine::Cpu(args) = engine;
    cpu::run(args)
}
