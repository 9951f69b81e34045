//! `epochs.csv`: one line for each run and epoch.

use serde::Serialize;

use crate::error::ReportError;
use crate::table;
use run_records::{EpochPoint, Run, RunFolder};

/// Losses in nats, accuracies from 0 to 1.
#[derive(Default, Serialize)]
struct Row<'a> {
    run: &'a str,
    epoch: u64,
    step: u64,
    train_loss: f64,
    train_accuracy: f64,
    test_loss: f64,
    test_accuracy: f64,
}

pub(crate) fn csv(folder: &RunFolder) -> Result<Vec<u8>, ReportError> {
    let rows = folder.runs.iter().flat_map(|run| {
        let epochs = run.epochs.iter();
        epochs.map(move |point| row(run, point))
    });
    table::csv("epochs.csv", rows)
}

fn row<'a>(run: &'a Run, point: &EpochPoint) -> Row<'a> {
    Row {
        run: &run.record.name,
        epoch: point.epoch,
        step: point.step,
        train_loss: point.train_loss,
        train_accuracy: point.train_accuracy,
        test_loss: point.test_loss,
        test_accuracy: point.test_accuracy,
    }
}
