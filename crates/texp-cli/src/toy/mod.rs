//! `texp toy`: the paper's toy example, simulated against theory.

mod charts;
mod folder;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};

use claims::Outcome;
use rayon::ThreadPoolBuilder;
use report::{PaperFigure, PaperPanel};
use serde::Serialize;
use toy::experiment::Experiment;
use toy::study::{self, Findings};
use trainer::run::claim_folder;

use crate::args::{line, option};
use crate::train::print;
use crate::{CommandError, provenance};

/// What the paper says of it.
const STATEMENT: &str = "Weight decay alone has a floor that falls with the batch size; normalisation alone converges, slowly; with both, the \
     error exceeds a constant times √(ηλ) at least once every O(1/(ηλ)) steps, whatever the batch size.";

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
    let (_, mut experiment) = read(&args.file, args.preset.as_deref())?;
    experiment.seeds = args.seeds.unwrap_or(experiment.seeds);
    let pool = ThreadPoolBuilder::new().num_threads(args.threads).build()?;
    let base = match &args.preset {
        Some(preset) => format!("{}-{preset}", experiment.name),
        None => experiment.name.clone(),
    };
    let folder = claim_folder(&args.out, &base)?;
    let started = provenance::now();
    eprintln!("Folder: {}", folder.display());

    let findings = pool.install(|| study::run(&experiment));
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION"),
        experiment: experiment.name.clone(),
        title: experiment.title.clone(),
        preset: args.preset.clone(),
        command: args.command_line(args.file.display().to_string()),
        started,
        commit: provenance::commit(),
        seeds: findings.seeds.iter().map(|seed| seed.seed).collect(),
    };
    let outcomes = judge(&experiment, &findings)?;
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

/// An experiment, and the text that says it.
fn read(file: &Path, preset: Option<&str>) -> Result<(String, Experiment), CommandError> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|source| CommandError::Input {
        file: name.clone(),
        source,
    })?;
    let experiment = Experiment::parse(&text, &name, preset)?;
    Ok((text, experiment))
}

fn judge(experiment: &Experiment, findings: &Findings) -> Result<Vec<Outcome>, CommandError> {
    let judged = |claim| Ok(claims::evaluate(claim, &findings.seeds)?);
    experiment.claims.iter().map(judged).collect()
}

/// The same as a figure among others, which `command` makes again, from its own number of seeds or more.
pub(crate) fn figure(
    file: &Path,
    preset: &str,
    seeds: u64,
    threads: usize,
    command: String,
) -> Result<PaperFigure, CommandError> {
    let (text, mut experiment) = read(file, Some(preset))?;
    experiment.seeds = experiment.seeds.max(seeds);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    eprintln!(
        "{}: simulated from {} seeds",
        experiment.name, experiment.seeds
    );
    let findings = pool.install(|| study::run(&experiment));
    let panel = |chart| PaperPanel::Chart {
        chart,
        caption: "Measured, and what theory expects (dashed); the band is the range over seeds."
            .to_owned(),
    };
    Ok(PaperFigure {
        id: experiment.name.clone(),
        title: experiment.title.clone(),
        statement: STATEMENT.to_owned(),
        outcomes: judge(&experiment, &findings)?,
        runs: Vec::new(),
        milestones: Vec::new(),
        panels: charts::charts(&experiment, &findings)
            .into_iter()
            .map(panel)
            .collect(),
        experiment: text,
        command,
    })
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
