//! What `texp train` would do and take, without doing it.

use std::path::Path;

use trainer::experiment::Experiment;
use trainer::run::{DeviceKind, DryRun, RunOutlook};

use crate::output::table;
use crate::train::{self, print};
use crate::{CommandError, DeviceChoice, RunArgs, device};

/// Writes the plan of an experiment's runs, and the memory that they will take, to standard output. Reads no images,
/// trains nothing and leaves nothing. With `--device cuda` the memory is a GPU's, and none need be there.
///
/// # Errors
/// [`CommandError`] for an experiment that cannot be run.
pub fn dry_run(file: &Path, args: &RunArgs) -> Result<(), CommandError> {
    let experiment = train::experiment(file, args)?;
    let device = match args.machine.device {
        // Nothing is computed, so that none need be there.
        DeviceChoice::Cuda => DeviceKind::Cuda,
        choice => device::find(&experiment, choice)?,
    };
    let plan = trainer::run::dry_run(&experiment, device)?;
    print(&describe(&experiment, device, &plan));
    Ok(())
}

fn describe(experiment: &Experiment, device: DeviceKind, plan: &DryRun) -> String {
    let header = [
        "run",
        "transform",
        "ln rate, first",
        "last",
        "rescaled by powers of two",
    ];
    let place = match device {
        DeviceKind::Cpu => "",
        DeviceKind::Cuda => ", on the GPU",
    };
    let timeline = &plan.timeline;
    format!(
        "{}\nNetwork: {}, {} trained values.\nTraining: {} steps in {} epochs, {} images a step, {} runs in lockstep.\n\n{}\n\n\
         Memory of the engine{place}: {}.\nMemory of the images{place}: {}.\n",
        experiment.title,
        plan.network.name,
        plan.network.trained_parameters,
        timeline.steps,
        timeline.epochs,
        experiment.training.batch_size,
        plan.runs.len(),
        table(header, plan.runs.iter().map(row)),
        bytes(plan.engine_bytes),
        bytes(plan.image_bytes),
    )
}

fn row(run: &RunOutlook) -> [String; 5] {
    let [first, last] = run.ln_rates.map(|ln_rate| format!("{ln_rate:.4}"));
    let rescaled = match run.rescaled[..] {
        [] => "never".to_owned(),
        [step] => format!("once, before step {step}"),
        [step, ..] => format!("{} times, first before step {step}", run.rescaled.len()),
    };
    let (label, transform) = (run.record.label.clone(), run.record.transform.clone());
    [label, transform, first, last, rescaled]
}

fn bytes(count: u128) -> String {
    format!("{count} bytes ({:.1} MB)", count as f64 / 1e6)
}
