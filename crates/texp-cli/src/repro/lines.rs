//! A training among others, as a person watches it.

use std::time::Instant;

use trainer::run::{Event, Observer, Unusable};

use crate::interrupt;

/// A line an epoch.
pub(super) struct Lines {
    name: String,
    start: Instant,
    from_step: u64,
    steps: u64,
    steps_per_epoch: u64,
}

impl Lines {
    /// Of an experiment.
    pub(super) fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            start: Instant::now(),
            from_step: 0,
            steps: 0,
            steps_per_epoch: 1,
        }
    }
}

impl Observer for Lines {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started {
                manifest,
                from_step,
                folder,
                unusable,
                ..
            } => {
                for Unusable { path, why } in *unusable {
                    eprintln!(
                        "{}: the checkpoint {} is of no use: {why}",
                        self.name,
                        path.display()
                    );
                }
                (self.from_step, self.steps) = (*from_step, manifest.steps);
                self.steps_per_epoch = manifest.steps_per_epoch.max(1);
                let verb = if *from_step == 0 { "begun" } else { "resumed" };
                eprintln!(
                    "{}: {verb} in {}, {} runs",
                    self.name,
                    folder.display(),
                    manifest.runs.len()
                );
            }
            Event::Diverged { run, step } => {
                eprintln!(
                    "{}: run {run} has no finite loss from step {step} on",
                    self.name
                );
            }
            Event::Epoch { epoch, .. } => {
                let step = epoch * self.steps_per_epoch;
                let done = step.saturating_sub(self.from_step).max(1) as f64;
                let left = self.steps.saturating_sub(step) as f64;
                let seconds = self.start.elapsed().as_secs_f64() / done * left;
                let epochs = self.steps / self.steps_per_epoch;
                eprintln!(
                    "{}: epoch {epoch} of {epochs}, {seconds:.0} s left",
                    self.name
                );
            }
            _ => {}
        }
    }

    fn wants_to_stop(&self) -> bool {
        interrupt::is_wanted()
    }
}
