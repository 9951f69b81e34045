//! From an experiment's file to its report.

use std::io::Write;
use std::path::{Path, PathBuf};

use run_records::Record;
use trainer::experiment::Experiment;
use trainer::run::{Finished, RunOptions, run_experiment};

use crate::progress::Terminal;
use crate::{CommandError, RunArgs, data, device, provenance};

/// Where things are when the command line does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Run folders are made in it.
    pub runs: PathBuf,
    /// CIFAR-10 is looked for in it, and downloaded to it.
    pub data: PathBuf,
}

impl Places {
    /// `runs` and `data` in `folder`.
    pub fn within(folder: &Path) -> Self {
        Self {
            runs: folder.join("runs"),
            data: folder.join("data"),
        }
    }
}

/// Trains all runs of an experiment and writes its report; results go to standard output, progress to
/// standard error. `command`, without what `args` holds, is recorded with it as the way to do it again.
///
/// # Errors
/// [`CommandError`]; bad input is found before anything is written.
pub fn train(
    file: &Path,
    args: &RunArgs,
    places: &Places,
    command: &[&str],
) -> Result<(), CommandError> {
    let experiment =
        Experiment::read(file, args.preset.as_deref()).map_err(trainer::TrainerError::from)?;
    let device = device::find(&experiment, args.device)?;
    let environment = data::environment();
    let dataset = data::find(&experiment, args, environment.clone(), &places.data)?;
    let again = args.finding_again(&dataset.source, environment, device);
    let options = RunOptions {
        runs: args.out.clone().unwrap_or_else(|| places.runs.clone()),
        preset: args.preset.clone(),
        command: again.command_line(command),
        started: provenance::now(),
        commit: provenance::commit(),
        device,
        threads: args.threads,
    };
    let finished = run_experiment(&experiment, dataset, &options, &mut Terminal::new())?;
    let paths = report::write(&finished.folder)?;
    let mut text = results(&finished);
    text += &format!("Report: {}\n", paths.page.display());
    print(&text);
    Ok(())
}

/// Writes the report of a run folder again.
///
/// # Errors
/// [`CommandError::Report`].
pub fn rewrite_report(folder: &Path) -> Result<(), CommandError> {
    print(&format!(
        "Report: {}\n",
        report::write(folder)?.page.display()
    ));
    Ok(())
}

/// Writes to standard output. Who closed it, as `head` does, does not want to know.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// What is left to say at the end, as a small table.
fn results(finished: &Finished) -> String {
    let Finished {
        folder,
        manifest,
        seconds,
        images_per_second,
        ..
    } = finished;
    let mut lines = vec![
        format!(
            "\n{}: {} steps in {seconds:.0} s, {images_per_second:.0} images/s",
            manifest.title, manifest.steps
        ),
        format!("{} on {}\n", manifest.network.name, manifest.data.source),
        format!(
            "{:<24} {:>10} {:>10} {:>10} {:>10}",
            "after the last epoch", "train loss", "accuracy", "test loss", "accuracy"
        ),
    ];
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
            lines.push(format!(
                "{label:<24} {train_loss:>10.4} {train_accuracy:>10.4} {test_loss:>10.4} {test_accuracy:>10.4}"
            ));
        }
    }
    lines.push(format!("\nRun folder: {}\n", folder.display()));
    lines.join("\n")
}
