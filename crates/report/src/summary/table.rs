//! `summary.csv`: one line for each run and epoch.

use crate::error::ReportError;
use run_records::{EpochPoint, Run, RunFolder};

/// The table: losses in nats, accuracies from 0 to 1, `NaN` where nothing finite was recorded.
pub(crate) fn csv(folder: &RunFolder) -> Result<Vec<u8>, ReportError> {
    let failed = |source| ReportError::Table { source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record([
            "run",
            "epoch",
            "step",
            "train_loss",
            "train_accuracy",
            "test_loss",
            "test_accuracy",
        ])
        .map_err(failed)?;
    for run in &folder.runs {
        for point in &run.epochs {
            writer.write_record(fields(run, point)).map_err(failed)?;
        }
    }
    writer
        .into_inner()
        .map_err(|error| failed(csv::Error::from(error.into_error())))
}

fn fields(run: &Run, point: &EpochPoint) -> [String; 7] {
    [
        run.record.name.clone(),
        point.epoch.to_string(),
        point.step.to_string(),
        point.train_loss.to_string(),
        point.train_accuracy.to_string(),
        point.test_loss.to_string(),
        point.test_accuracy.to_string(),
    ]
}
