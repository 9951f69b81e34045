//! What `cargo xtask bench cpu` times on this side: prints one line of JSON, and installs nothing.

use std::error::Error;
use std::process::ExitCode;

use benches::ceilings::{self, Effort};
use benches::{Format, Meter, Setting, Training, roofline};
use clap::{Args, Parser, Subcommand, ValueEnum};
use nn_cpu::CpuEngine;
use nn_graph::nets::Normaliser;
use serde_json::{Value, json};

/// Times nn-cpu, and what the machine can do.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Training steps of a PreResNet.
    Train {
        #[command(flatten)]
        network: Network,
        /// Calls of the engine before the clock starts.
        #[arg(long, default_value_t = 1)]
        warm_up: usize,
        /// Calls that are timed.
        #[arg(long, default_value_t = 5)]
        samples: usize,
    },
    /// Where the time of a training step goes.
    Roofline(#[command(flatten)] Network),
    /// Multiply-adds and bytes a second.
    Ceilings {
        #[arg(long)]
        threads: usize,
        #[arg(long)]
        quick: bool,
    },
    /// A neighbour: keeps one core busy until its standard input ends.
    Spin,
}

#[derive(Debug, Args)]
struct Network {
    #[arg(long, default_value_t = 32)]
    depth: usize,
    #[arg(long, default_value_t = 16)]
    width: usize,
    #[arg(long, default_value = "batch")]
    normaliser: Kind,
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// 0 for all the machine has.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Steps in each call of the engine.
    #[arg(long, default_value_t = 4)]
    steps: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Batch,
    /// Four groups.
    Group,
    Layer,
    Instance,
}

impl Network {
    fn training(&self) -> Result<Training<CpuEngine>, Box<dyn Error>> {
        if self.steps == 0 || self.batch == 0 {
            return Err("a call needs at least one step, and a batch one image".into());
        }
        let normaliser = match self.normaliser {
            Kind::Batch => Normaliser::Batch,
            Kind::Group => Normaliser::Group { groups: 4 },
            Kind::Layer => Normaliser::Layer,
            Kind::Instance => Normaliser::Instance,
        };
        let setting = Setting {
            depth: self.depth,
            width: self.width,
            normaliser,
            batch: self.batch,
            replicas: 1,
            threads: self.threads,
            format: Format::Full,
        };
        Training::new(setting, self.steps, |graph, options| {
            CpuEngine::new(graph, options).map(Box::new)
        })
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<Value, Box<dyn Error>> {
    match command {
        Command::Train {
            network,
            warm_up,
            samples,
        } => {
            let meter = Meter::new();
            let mut training = network.training()?;
            let what = training.what();
            let sizes = [network.batch, network.steps];
            meter.time(&what, sizes, [warm_up, samples], || training.steps())
        }
        Command::Roofline(network) => roofline(&mut network.training()?),
        Command::Ceilings { threads, quick } => {
            let effort = if quick { Effort::QUICK } else { Effort::FULL };
            Ok(json!(ceilings::measure(threads, effort)))
        }
        Command::Spin => {
            std::thread::spawn(|| {
                loop {
                    std::hint::spin_loop();
                }
            });
            // When whoever started this is gone, its end of the pipe is, too.
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
            Ok(Value::Null)
        }
    }
}
