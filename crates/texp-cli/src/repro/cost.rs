//! What a reproduction would train, without training it.

use repro::{Plan, device_of};
use trainer::TrainerError;
use trainer::experiment::Experiment;
use trainer::run::{DeviceKind, DryRun, dry_run};

use crate::output::table;

/// Images of some trainings.
#[derive(Clone, Copy, Default)]
struct Images {
    trained: u128,
    evaluated: u128,
}

/// A line for each training of one seed, and what all seeds come to on each device. A reproduction that has them already
/// trains less.
///
/// # Errors
/// [`TrainerError`] for an experiment that cannot be run.
pub(super) fn describe(
    plan: &Plan,
    device: DeviceKind,
    seeds: u64,
) -> Result<String, TrainerError> {
    let header = [
        "training",
        "network",
        "multiply-adds",
        "in",
        "on the",
        "runs",
        "steps",
        "images to train",
        "to evaluate",
        "MB",
    ];
    let mut rows = Vec::new();
    let mut totals = [DeviceKind::Cuda, DeviceKind::Cpu].map(|kind| (kind, 0, Images::default()));
    for family in &plan.families {
        let experiment = &family.experiment;
        let device = device_of(experiment, device);
        let outlook = dry_run(experiment, device)?;
        let images = images(experiment, &outlook);
        for (_, count, total) in totals.iter_mut().filter(|(kind, ..)| *kind == device) {
            *count += seeds;
            total.trained += u128::from(seeds) * images.trained;
            total.evaluated += u128::from(seeds) * images.evaluated;
        }
        rows.push(row(experiment, device, &outlook, images));
    }
    let mut text = format!(
        "One seed; runs of a line train side by side, as replicas of one engine:\n\n{}\n\n",
        table(header, rows)
    );
    for (kind, count, total) in totals.iter().filter(|(_, count, _)| *count > 0) {
        text += &format!(
            "With --seeds {seeds}, on the {}: {count} trainings, {} images to train, {} to evaluate.\n",
            name(*kind),
            total.trained,
            total.evaluated
        );
    }
    Ok(text)
}

/// Every run sees every image once an epoch, and then evaluates every image of the test split.
fn images(experiment: &Experiment, outlook: &DryRun) -> Images {
    let all = |images: usize| {
        let of_one = images as u128 * u128::from(outlook.timeline.epochs);
        of_one * outlook.runs.len() as u128
    };
    Images {
        trained: all(experiment.data.train_images),
        evaluated: all(experiment.data.test_images),
    }
}

fn row(
    experiment: &Experiment,
    device: DeviceKind,
    outlook: &DryRun,
    images: Images,
) -> [String; 10] {
    let bytes = outlook.engine_bytes + outlook.image_bytes;
    [
        experiment.name.clone(),
        outlook.network.name.clone(),
        outlook.network.multiply_adds.to_string(),
        experiment.training.precision.name().to_owned(),
        name(device).to_owned(),
        outlook.runs.len().to_string(),
        outlook.timeline.steps.to_string(),
        images.trained.to_string(),
        images.evaluated.to_string(),
        format!("{:.0}", bytes as f64 / 1e6),
    ]
}

fn name(device: DeviceKind) -> &'static str {
    match device {
        DeviceKind::Cpu => "CPU",
        DeviceKind::Cuda => "GPU",
    }
}
