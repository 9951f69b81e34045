//! `texp toy`: the paper's toy example, simulated against theory.

mod charts;
mod folder;
mod summary;

use std::fs;
use std::path::PathBuf;

use claims::Outcome;
use rayon::ThreadPoolBuilder;
use serde::Serialize;
use toy::experiment::Experiment;
use toy::study;

use crate::args::{line, option};
use crate::train::print;
use crate::{CommandError, provenance};

/// What to simulate, and where the results go.
#[derive(Clone, Debug, clap::Args)]
pub struct ToyArgs {
    /// The experiment, as TOML: experiments/toy.toml in the repository shows every key.
    file: PathBuf,
    /// Preset of the experiment to apply.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Number of seeds, in place of the experiment's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..1 << 32))]
    seeds: Option<u64>,
    /// Where the folder of results is made; one that exists is never overwritten.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    out: PathBuf,
    /// Threads to simulate with, 0 for all; results do not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

/// How the results were made.
#[derive(Debug, Serialize)]
struct Manifest {
    version: &'static str,
    experiment: String,
    title: String,
    preset: Option<String>,
    command: String,
    started: String,
    commit: Option<String>,
    seeds: Vec<u64>,
}

/// Simulates an experiment, writes what it found into a new folder, and says it on standard output.
///
/// # Errors
/// [`CommandError`]; bad input is found before anything is written.
pub fn toy(args: &ToyArgs) -> Result<(), CommandError> {
    let name = args.file.display().to_string();
    let text = fs::read_to_string(&args.file).map_err(|source| CommandError::Input {
        file: name.clone(),
        source,
    })?;
    let mut experiment = Experiment::parse(&text, &name, args.preset.as_deref())?;
    experiment.seeds = args.seeds.unwrap_or(experiment.seeds);
    let pool = ThreadPoolBuilder::new().num_threads(args.threads).build()?;
    let folder = folder::create(&args.out, &experiment.name, args.preset.as_deref())?;
    let started = provenance::now();
    eprintln!("Folder: {}", folder.display());

    let findings = pool.install(|| study::run(&experiment));
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION"),
        experiment: experiment.name.clone(),
        title: experiment.title.clone(),
        preset: args.preset.clone(),
        command: args.command_line(name),
        started,
        commit: provenance::commit(),
        seeds: findings.seeds.iter().map(|seed| seed.seed).collect(),
    };
    let judged = |claim| claims::evaluate(claim, &findings.seeds);
    let outcomes: Result<Vec<Outcome>, _> = experiment.claims.iter().map(judged).collect();
    let outcomes = outcomes?;
    let figures = charts::draw(&experiment, &findings)?;
    folder::write(
        &folder,
        &experiment,
        &manifest,
        &findings,
        &outcomes,
        &figures,
    )?;
    print(&summary::text(&experiment, &findings, &outcomes));
    print(&format!("\nFolder: {}\n", folder.display()));
    Ok(())
}

impl ToyArgs {
    /// The command that finds the same again.
    fn command_line(&self, mut file: String) -> String {
        if file.starts_with('-') {
            // Else it would be read as an option when the command is given again.
            file.insert_str(0, "./");
        }
        let seeds = self.seeds.map(|seeds| seeds.to_string());
        let preset = option("--preset", self.preset.clone());
        let options = preset.into_iter().chain(option("--seeds", seeds));
        line(&["texp", "toy", &file], options.collect())
    }
}
