//! A run folder in memory.

use crate::{Manifest, Run, Sitting};

/// A run folder, read.
#[derive(Debug)]
pub struct RunFolder {
    /// Everything known before the first step.
    pub manifest: Manifest,
    /// `experiment.toml`, as run.
    pub experiment: String,
    /// In the order of the manifest.
    pub runs: Vec<Run>,
    /// When, where and by what it was trained.
    pub sittings: Vec<Sitting>,
    /// Whether that is all.
    pub ending: Ending,
}

/// How the records end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending {
    /// With the line that says so.
    Finished,
    /// Without it: stopped, killed, or still running.
    Unfinished {
        /// The last line, if it was cut in the middle, counted from 1.
        cut_line: Option<u64>,
    },
}

impl RunFolder {
    /// The run of this name.
    pub fn run(&self, name: &str) -> Option<&Run> {
        self.runs.iter().find(|run| run.record.name == name)
    }

    /// Steps in an epoch, at least 1, so that it can divide.
    pub fn steps_per_epoch(&self) -> f64 {
        self.manifest.steps_per_epoch.max(1) as f64
    }

    /// Wall-clock time of training and evaluation, all sittings together, seconds.
    pub fn seconds(&self) -> f64 {
        self.sittings.iter().map(|sitting| sitting.seconds).sum()
    }

    /// Training images a second, all runs together, evaluation included in the time; `None` where no time was taken.
    pub fn images_per_second(&self) -> Option<f64> {
        let steps = self
            .sittings
            .iter()
            .map(|sitting| sitting.to_step.saturating_sub(sitting.from_step));
        let epochs = steps.sum::<u64>() as f64 / self.steps_per_epoch();
        let images = epochs * (self.manifest.data.train_images * self.runs.len()) as f64;
        let seconds = self.seconds();
        (seconds > 0.0).then(|| images / seconds)
    }

    /// The last step that any run recorded, and `None` if there is none.
    pub fn last_step(&self) -> Option<u64> {
        self.runs
            .iter()
            .filter_map(|run| run.steps.last())
            .map(|point| point.step)
            .max()
    }

    /// Steps that were recorded, from the start of training.
    pub fn recorded_steps(&self) -> u64 {
        self.last_step().map_or(0, |step| step.saturating_add(1))
    }

    /// Indices of every run that is compared with another, and of that other.
    pub fn twins(&self) -> Vec<(usize, usize)> {
        let runs = self.runs.iter().enumerate();
        runs.filter_map(|(index, run)| Some((index, run.record.twin?)))
            .collect()
    }
}
