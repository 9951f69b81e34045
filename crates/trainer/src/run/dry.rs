//! What a training will do and take, known without training.

use super::engine::bytes_needed;
use super::{DeviceKind, image_bytes, manifest};
use crate::TrainerError;
use crate::experiment::Experiment;
use crate::plan::{PlanError, Timeline};
use run_records::{NetworkRecord, RunRecord};

/// An experiment, seen from before its first step.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRun {
    /// The network.
    pub network: NetworkRecord,
    /// Epochs and steps.
    pub timeline: Timeline,
    /// Each run.
    pub runs: Vec<RunOutlook>,
    /// Bytes that the engine will hold: parameters, optimiser state, activations and gradients of all runs.
    pub engine_bytes: u128,
    /// Bytes of the images and labels.
    pub image_bytes: u128,
}

/// What one run will do.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutlook {
    /// Its name, label and transform.
    pub record: RunRecord,
    /// `ln η̃` of the first step and of the last; −∞ for a rate of 0.
    pub ln_rates: [f64; 2],
    /// Steps before which it is rescaled by a power of two, to stay within the engine's numbers.
    pub rescaled: Vec<u64>,
}

/// Plans an experiment to its end, and finds the memory that its engine will hold. No image is read, no folder made, and
/// no GPU needed.
///
/// # Errors
/// [`TrainerError`] as [`run_experiment`](super::run_experiment).
///
/// ```
/// use trainer::experiment::Experiment;
/// use trainer::run::{DeviceKind, dry_run};
///
/// # let text = include_str!("../../tests/data/tiny.toml");
/// let experiment = Experiment::parse(text, "tiny.toml", None)?;
/// let plan = dry_run(&experiment, DeviceKind::Cpu)?;
/// assert_eq!((plan.timeline.steps, plan.runs.len()), (8, 3));
/// assert!(plan.runs[1].rescaled.is_empty());
/// println!("{} bytes", plan.engine_bytes + plan.image_bytes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn dry_run(experiment: &Experiment, device: DeviceKind) -> Result<DryRun, TrainerError> {
    let prepared = experiment.prepare()?;
    let timeline = experiment.timeline();
    let records = manifest::runs(experiment, &prepared).into_iter();
    let runs = records.zip(&experiment.run).enumerate();
    let runs = runs.map(|(index, (record, spec))| {
        let mut schedule = prepared.schedule(index, spec.transform)?;
        let mut outlook = RunOutlook {
            record,
            ln_rates: [f64::NEG_INFINITY; 2],
            rescaled: Vec::new(),
        };
        for step in 0..timeline.steps {
            let planned = schedule.next_step()?;
            if step == 0 {
                outlook.ln_rates[0] = planned.ln_learning_rate;
            }
            outlook.ln_rates[1] = planned.ln_learning_rate;
            outlook
                .rescaled
                .extend((planned.rescaling != 0).then_some(step));
        }
        Ok(outlook)
    });
    let runs = runs.collect::<Result<_, PlanError>>()?;
    Ok(DryRun {
        network: manifest::network(experiment, &prepared.graph),
        timeline,
        runs,
        engine_bytes: bytes_needed(experiment, &prepared, device)?,
        image_bytes: image_bytes(experiment),
    })
}
