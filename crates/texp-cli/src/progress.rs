//! Training as a person watches it: a bar on a terminal, a line an epoch elsewhere.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use run_records::Record;
use trainer::run::{Event, Observer, Unusable};

use crate::interrupt;

/// Shows events on standard error.
pub(crate) struct Terminal {
    bar: ProgressBar,
    start: Instant,
    steps: u64,
    steps_per_epoch: u64,
    /// Images that one step trains, all runs together.
    images_per_step: u64,
    /// Of the runs.
    labels: Vec<String>,
    /// Steps that were done before.
    from_step: u64,
    /// What the run was trained on before.
    device_before: Option<String>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::hidden();
        Self {
            bar,
            start: Instant::now(),
            steps: 1,
            steps_per_epoch: 1,
            images_per_step: 0,
            labels: Vec::new(),
            from_step: 0,
            device_before: None,
        }
    }

    /// Of a run that was trained on a device before.
    pub(crate) fn of_resumed(device_before: Option<String>) -> Self {
        Self {
            device_before,
            ..Self::new()
        }
    }

    /// What a run is resumed from.
    fn resumed(&self, device: &str, unusable: &[Unusable]) {
        for Unusable { path, why } in unusable {
            eprintln!("The checkpoint {} is of no use: {why}.", path.display());
        }
        let Some(before) = &self.device_before else {
            return;
        };
        match self.from_step {
            0 => eprintln!("There is no checkpoint to go on from, so training starts again."),
            step => eprintln!("Going on after step {step}."),
        }
        if arithmetic(before) != arithmetic(device) {
            eprintln!(
                "It was trained on {before} before: from here on results agree with what they would have been there up to \
                 rounding, and not in every bit."
            );
        }
    }

    /// Shows a line that stays.
    fn line(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }

    fn images_per_second(&self, steps: u64) -> f64 {
        let steps = steps.saturating_sub(self.from_step);
        (steps * self.images_per_step) as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    fn seconds_left(&self, steps: u64) -> f64 {
        let left = self.steps.saturating_sub(steps) as f64;
        let done = steps.saturating_sub(self.from_step);
        self.start.elapsed().as_secs_f64() * left / done.max(1) as f64
    }
}

impl Observer for Terminal {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started {
                folder,
                manifest,
                device,
                from_step,
                unusable,
            } => {
                self.from_step = *from_step;
                self.resumed(device, unusable);
                eprintln!(
                    "Network: {}, {} trained values.",
                    manifest.network.name, manifest.network.trained_parameters
                );
                eprintln!("Engine: {device}.");
                eprintln!("Run folder: {}", folder.display());
                let runs = manifest.runs.iter();
                self.labels = runs.map(|run| run.label.clone()).collect();
                eprintln!("Runs, in this order below: {}.", self.labels.join("; "));
                self.steps = manifest.steps;
                self.steps_per_epoch = manifest.steps_per_epoch.max(1);
                self.images_per_step = (manifest.batch_size * manifest.runs.len()) as u64;
                self.start = Instant::now();
                let target = ProgressDrawTarget::stderr_with_hz(4);
                self.bar = ProgressBar::with_draw_target(Some(manifest.steps), target);
                self.bar.set_position(*from_step);
                let template = "{bar:30} step {pos}/{len}  {msg}  {eta} left";
                let style = ProgressStyle::with_template(template);
                self.bar
                    .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            }
            Event::Stepped { steps, losses } => {
                let epoch = steps.div_ceil(self.steps_per_epoch);
                let rate = self.images_per_second(*steps);
                self.bar.set_position(*steps);
                self.bar.set_message(format!(
                    "epoch {epoch}  {rate:.0} images/s  loss {}",
                    list(losses)
                ));
            }
            Event::Diverged { run, step } => {
                let name = self.labels.get(*run).map_or("", |label| label);
                self.line(&format!(
                    "\"{name}\" has no finite loss from step {step} on; the other runs go on."
                ));
            }
            Event::Epoch { epoch, records } => {
                let steps = epoch * self.steps_per_epoch;
                let accuracies: Vec<f64> = records.iter().filter_map(test_accuracy).collect();
                let losses: Vec<f64> = records.iter().filter_map(train_loss).collect();
                let mut line = format!(
                    "epoch {epoch:>3}  loss {}  test accuracy {}",
                    list(&losses),
                    list(&accuracies)
                );
                if self.bar.is_hidden() {
                    let (rate, left) = (self.images_per_second(steps), self.seconds_left(steps));
                    line += &format!("  {rate:.0} images/s, {left:.0} s left");
                }
                self.line(&line);
            }
            Event::Finished(_) => self.bar.finish_and_clear(),
            _ => {}
        }
    }

    fn wants_to_stop(&self) -> bool {
        interrupt::is_wanted()
    }
}

/// A device without its number of threads, which changes no result.
fn arithmetic(device: &str) -> &str {
    match device.rsplit_once(", ") {
        Some((rest, threads)) if threads.contains(" thread") => rest,
        _ => device,
    }
}

fn list(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(|value| format!("{value:.3}")).collect();
    texts.join(" ")
}

fn test_accuracy(record: &Record) -> Option<f64> {
    match record {
        Record::Epoch { test_accuracy, .. } => Some(*test_accuracy),
        _ => None,
    }
}

fn train_loss(record: &Record) -> Option<f64> {
    match record {
        Record::Epoch { train_loss, .. } => Some(*train_loss),
        _ => None,
    }
}
