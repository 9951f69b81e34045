//! What the runs came to, in numbers, sentences and a table to compute with.

mod table;
mod verdict;

pub(crate) use table::csv;
pub(crate) use verdict::findings;

use run_records::{EpochPoint, Run, RunFolder};

/// The end of one run, as far as it was recorded.
pub(crate) struct Outcome<'a> {
    pub(crate) run: &'a Run,
    pub(crate) twin: Option<&'a Run>,
}

/// One for each run, in order.
pub(crate) fn outcomes(folder: &RunFolder) -> Vec<Outcome<'_>> {
    let twin = |run: &Run| run.record.twin.and_then(|twin| folder.runs.get(twin));
    folder
        .runs
        .iter()
        .map(|run| Outcome {
            run,
            twin: twin(run),
        })
        .collect()
}

impl<'a> Outcome<'a> {
    /// The last epoch.
    pub(crate) fn last(&self) -> Option<&'a EpochPoint> {
        self.run.epochs.last()
    }

    /// `ln` of the last rate that was above 0.
    pub(crate) fn ln_rate(&self) -> f64 {
        let rates = self.run.steps.iter().rev().map(|point| point.ln_rate);
        rates
            .into_iter()
            .find(|rate| rate.is_finite())
            .unwrap_or(f64::NAN)
    }

    /// The last epoch that the twin finished as well: this run's, and the twin's.
    pub(crate) fn last_common(&self) -> Option<(&'a EpochPoint, &'a EpochPoint)> {
        let twins = &self.twin?.epochs;
        self.run.epochs.iter().rev().find_map(|point| {
            let other = twins
                .iter()
                .rev()
                .find(|other| other.epoch == point.epoch)?;
            Some((point, other))
        })
    }

    /// The first step whose loss is not finite, and how many there are.
    pub(crate) fn diverged(&self) -> Option<(u64, usize)> {
        let mut lost = self
            .run
            .steps
            .iter()
            .filter(|point| !point.loss.is_finite());
        let first = lost.next()?.step;
        Some((first, 1 + lost.count()))
    }
}
