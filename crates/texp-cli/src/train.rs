//! From an experiment's file to its report.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use datasets::synthetic;
use run_records::Record;
use trainer::TrainerError;
use trainer::experiment::Experiment;
use trainer::run::{DeviceKind, Finished, Place, RunOptions, SavedRun, run_experiment};

use crate::progress::Terminal;
use crate::{
    CommandError, DeviceChoice, MachineArgs, RunArgs, data, device, interrupt, provenance,
};

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
    let experiment = experiment(file, args)?;
    let device = device::find(&experiment, args.machine.device)?;
    let environment = data::environment();
    let dataset = data::find(
        images(&experiment),
        &args.machine,
        environment.clone(),
        &places.data,
    )?;
    let again = RunArgs {
        machine: args
            .machine
            .finding_again(&dataset.source, environment, device),
        ..args.clone()
    };
    let place = Place {
        runs: args.out.clone().unwrap_or_else(|| places.runs.clone()),
        preset: args.preset.clone(),
    };
    let options = options(&args.machine, device, again.command_line(command));
    interrupt::listen();
    let mut terminal = Terminal::new();
    let finished = run_experiment(&experiment, dataset, &place, &options, &mut terminal)?;
    conclude(&finished)
}

/// Goes on with a run from its last checkpoint, and writes its report. Without a device in `args`, on the one that it
/// began on; without images, on generated ones if it began on those.
///
/// # Errors
/// [`CommandError`].
pub fn resume(
    folder: &Path,
    args: &MachineArgs,
    places: &Places,
    command: &[&str],
) -> Result<(), CommandError> {
    let run = SavedRun::open(folder)?;
    let device_before = run.sittings().first().map(|first| first.device.clone());
    let mut args = args.clone();
    args.device = match (args.device, run.device()) {
        (DeviceChoice::Auto, Some(DeviceKind::Cuda)) => DeviceChoice::Cuda,
        (DeviceChoice::Auto, Some(DeviceKind::Cpu)) => DeviceChoice::Cpu,
        (choice, _) => choice,
    };
    // What was trained on generated images does not look for others.
    let source = &run.manifest().data.source;
    args.synthetic |= args.data.is_none() && source.starts_with(synthetic::NAME);
    let device = device::find(run.experiment(), args.device)?;
    let dataset = data::find(
        images(run.experiment()),
        &args,
        data::environment(),
        &places.data,
    )?;
    let options = options(&args, device, args.command_line(command));
    interrupt::listen();
    let mut terminal = Terminal::of_resumed(device_before);
    let finished = run.resume(dataset, &options, &mut terminal)?;
    conclude(&finished)
}

/// The experiment of a file, as the arguments change it.
///
/// # Errors
/// [`TrainerError`] for one that cannot be run.
pub(crate) fn experiment(file: &Path, args: &RunArgs) -> Result<Experiment, TrainerError> {
    let mut experiment = Experiment::read(file, args.preset.as_deref())?;
    if let Some(precision) = args.precision {
        experiment.training.precision = precision.arithmetic();
        experiment.validate()?;
    }
    Ok(experiment)
}

/// How many images an experiment asks for.
fn images(experiment: &Experiment) -> [usize; 2] {
    [experiment.data.train_images, experiment.data.test_images]
}

/// What an experiment does not say.
pub(crate) fn options(args: &MachineArgs, device: DeviceKind, command: String) -> RunOptions {
    RunOptions {
        command,
        started: provenance::now(),
        commit: provenance::commit(),
        device,
        threads: args.threads,
        checkpoint_every: Duration::from_secs(args.checkpoint_every),
    }
}

/// Writes the report of a run, and says what came of it.
fn conclude(finished: &Finished) -> Result<(), CommandError> {
    let paths = report::write(&finished.folder)?;
    let mut text = results(finished);
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
        ..
    } = finished;
    let epochs = manifest.steps / manifest.steps_per_epoch.max(1);
    let images = epochs * (manifest.data.train_images * manifest.runs.len()) as u64;
    let mut lines = vec![
        format!(
            "\n{}: {} steps in {seconds:.0} s, {:.0} images/s",
            manifest.title,
            manifest.steps,
            images as f64 / seconds
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
