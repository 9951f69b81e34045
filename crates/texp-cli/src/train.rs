//! From an experiment's file to its report.

use std::path::{Path, PathBuf};

use trainer::Record;
use trainer::experiment::Experiment;
use trainer::run::{Finished, RunOptions, run_experiment};

use crate::progress::Terminal;
use crate::{CommandError, data, provenance};

/// What every command that trains accepts.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct RunArgs {
    /// Preset of the experiment to apply.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Folder that holds CIFAR-10 in its binary layout [default: $CIFAR10_DIR, then ./data, then a download].
    #[arg(long, value_name = "DIR", conflicts_with = "synthetic")]
    pub data: Option<PathBuf>,
    /// Use the built-in set of generated images.
    #[arg(long)]
    pub synthetic: bool,
    /// Where run folders are made; one that exists is never overwritten.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
    /// Threads to compute with, 0 for all; results do not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
}

/// Trains all runs of an experiment and writes its report; results go to standard output, progress to
/// standard error. `command` is recorded as the way to do it again.
///
/// # Errors
/// [`CommandError`]; bad input is found before anything is written.
pub fn train(file: &Path, args: &RunArgs, command: String) -> Result<(), CommandError> {
    let experiment =
        Experiment::read(file, args.preset.as_deref()).map_err(trainer::TrainerError::from)?;
    let dataset = data::find(&experiment, args)?;
    let options = RunOptions {
        runs: args.out.clone(),
        preset: args.preset.clone(),
        command,
        started: provenance::now(),
        commit: provenance::commit(),
        threads: args.threads,
    };
    let finished = run_experiment(&experiment, dataset, &options, &mut Terminal::new())?;
    let paths = report::write(&finished.folder)?;
    print_results(&finished);
    println!("\nReport: {}", paths.page.display());
    Ok(())
}

/// Writes the report of a run folder again.
///
/// # Errors
/// [`CommandError::Report`].
pub fn rewrite_report(folder: &Path) -> Result<(), CommandError> {
    println!("Report: {}", report::write(folder)?.page.display());
    Ok(())
}

fn print_results(finished: &Finished) {
    let Finished {
        manifest,
        seconds,
        images_per_second,
        ..
    } = finished;
    println!(
        "\n{}: {} steps in {seconds:.0} s, {images_per_second:.0} images/s",
        manifest.title, manifest.steps
    );
    println!("{} on {}\n", manifest.network.name, manifest.data.source);
    println!(
        "{:<24} {:>10} {:>10} {:>10} {:>10}",
        "after the last epoch", "train loss", "accuracy", "test loss", "accuracy"
    );
    for record in &finished.last_epoch {
        if let Record::Epoch {
            run,
            train_loss,
            train_accuracy,
            test_loss,
            test_accuracy,
            ..
        } = record
        {
            let label = manifest.runs.get(*run).map_or("", |run| &run.label);
            println!(
                "{label:<24} {train_loss:>10.4} {train_accuracy:>10.4} {test_loss:>10.4} {test_accuracy:>10.4}"
            );
        }
    }
}
