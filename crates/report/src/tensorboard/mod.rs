//! A run as an event file of TensorBoard.
//!
//! Whoever has TensorBoard sees runs of texp beside all others: `tensorboard --logdir FOLDER`.

mod event;

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use run_records::{Run, RunFolder, Sitting};

use crate::paths::unused;
use event::{Event, Value, frame};

/// An event file before it is written.
pub(crate) struct Events {
    /// Name of its folder, which TensorBoard shows as the run's.
    pub(crate) folder: String,
    /// Name of the file.
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

/// One for each run, in order. The same records give the same bytes.
pub(crate) fn files(folder: &RunFolder) -> Vec<Events> {
    let mut names = BTreeSet::new();
    let started = wall_time(&folder.sittings, 0) as u64;
    folder
        .runs
        .iter()
        .map(|run| {
            let folder_name = unused(&run.record.name, &mut names);
            Events {
                file: format!("events.out.tfevents.{started}.{folder_name}"),
                folder: folder_name,
                bytes: encode(run, &folder.sittings),
            }
        })
        .collect()
}

fn encode(run: &Run, sittings: &[Sitting]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame(&Event::version(wall_time(sittings, 0)), &mut bytes);
    for (step, values) in scalars(run) {
        let event = Event::scalars(wall_time(sittings, step), step, values);
        frame(&event, &mut bytes);
    }
    bytes
}

/// Everything that was recorded, in the order of its steps. Rates and norms are logarithms, since event files hold
/// float32 numbers.
fn scalars(run: &Run) -> Vec<(u64, Vec<Value>)> {
    let steps = run.steps.iter().map(|point| {
        let values = [
            ("train/loss", point.loss),
            ("train/ln_learning_rate", point.ln_rate),
        ];
        (point.step, values.map(value).into())
    });
    let norms = run.norms.iter().map(|point| {
        let values = [
            ("weights/ln_squared_norm", point.ln_norm_squared),
            (
                "weights/ln_squared_norm_over_rate",
                point.ln_norm_squared_over_rate,
            ),
            ("twin/worst_gap", point.worst_gap),
            ("twin/median_gap", point.median_gap),
        ];
        let known = values.into_iter().filter(|(_, number)| !number.is_nan());
        (point.step, known.map(value).collect())
    });
    let epochs = run.epochs.iter().map(|point| {
        let values = [
            ("epoch/train_loss", point.train_loss),
            ("epoch/train_accuracy", point.train_accuracy),
            ("epoch/test_loss", point.test_loss),
            ("epoch/test_accuracy", point.test_accuracy),
        ];
        (point.step, values.map(value).into())
    });
    let mut all: Vec<(u64, Vec<Value>)> = steps.chain(norms).chain(epochs).collect();
    all.retain(|(_, values)| !values.is_empty());
    // Stable: within a step, in the order above.
    all.sort_by_key(|(step, _)| *step);
    all
}

fn value((tag, number): (&str, f64)) -> Value {
    Value {
        tag: tag.to_owned(),
        simple_value: Some(number as f32),
    }
}

/// When the sitting that a step belongs to started, seconds since 1970. No more is recorded of a step's time; 1970
/// itself where there is nothing that can be read.
fn wall_time(sittings: &[Sitting], step: u64) -> f64 {
    let started = sittings
        .iter()
        .rfind(|sitting| sitting.from_step <= step)
        .and_then(|sitting| humantime::parse_rfc3339_weak(&sitting.started).ok())
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    started.unwrap_or(Duration::ZERO).as_secs_f64()
}
