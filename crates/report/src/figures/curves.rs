//! From the columns of a run to curves.

use std::f64::consts::LN_10;

use crate::chart::{Chart, Curve, Scale, Stroke};
use crate::series::{Point, running_mean};
use run_records::{EpochPoint, NormPoint, RunFolder, StepPoint};

/// Which runs a figure shows, and how they look in all its panels.
pub(super) struct Selection<'a> {
    pub(super) folder: &'a RunFolder,
    /// Indices of runs.
    pub(super) runs: Vec<usize>,
}

impl Selection<'_> {
    /// A chart over epochs, with the recipe's jumps marked.
    pub(super) fn chart(
        &self,
        id: &'static str,
        title: &'static str,
        y_scale: Scale,
        curves: Vec<Curve>,
    ) -> Chart {
        let per_epoch = self.folder.steps_per_epoch();
        let milestones = &self.folder.manifest.milestones;
        let x_end = self.folder.recorded_steps() as f64 / per_epoch;
        let marks = milestones
            .iter()
            .map(|&step| step as f64 / per_epoch)
            .collect();
        Chart {
            id,
            title,
            x_label: "epoch",
            x_end,
            y_scale,
            curves,
            marks,
        }
    }

    /// One curve a run of something known after every epoch.
    pub(super) fn per_epoch(&self, value: impl Fn(&EpochPoint) -> f64) -> Vec<Curve> {
        self.curves(|run| {
            let epochs = &self.folder.runs[run].epochs;
            epochs
                .iter()
                .map(|point| (point.epoch as f64, value(point)))
                .collect()
        })
    }

    /// One curve a run of something known at every step.
    pub(super) fn per_step(&self, value: impl Fn(&StepPoint) -> f64) -> Vec<Curve> {
        self.curves(|run| self.steps(run, &value))
    }

    /// One curve a run of something known where norms were taken.
    pub(super) fn per_norm(&self, value: impl Fn(&NormPoint) -> f64) -> Vec<Curve> {
        let per_epoch = self.folder.steps_per_epoch();
        self.curves(|run| {
            let norms = &self.folder.runs[run].norms;
            norms
                .iter()
                .map(|point| (point.step as f64 / per_epoch, value(point)))
                .collect()
        })
    }

    /// Training loss of each step, smoothed, in front of single steps, on the scale that suits it.
    pub(super) fn training_loss(&self, id: &'static str, title: &'static str) -> Chart {
        let window = smoothing_window(self.folder);
        let loss = |point: &StepPoint| point.loss;
        let mean = |run| running_mean(self.steps(run, loss), window).collect::<Vec<_>>();
        let scale = loss_scale(
            self.runs
                .iter()
                .flat_map(|&run| mean(run))
                .map(|point| point.1),
        );
        let scaled = |points: Vec<Point>| match scale {
            Scale::Linear => points,
            Scale::Log10 => points.into_iter().map(|(x, y)| (x, y.log10())).collect(),
        };
        let mut curves: Vec<Curve> = self
            .runs
            .iter()
            .map(|&run| Curve::new(None, run, Stroke::Faint, scaled(self.steps(run, loss))))
            .collect();
        curves.extend(self.curves(|run| scaled(mean(run))));
        self.chart(id, title, scale, curves)
    }

    fn steps(&self, run: usize, value: impl Fn(&StepPoint) -> f64) -> Vec<Point> {
        let per_epoch = self.folder.steps_per_epoch();
        let steps = &self.folder.runs[run].steps;
        steps
            .iter()
            .map(|point| (point.step as f64 / per_epoch, value(point)))
            .collect()
    }

    fn curves(&self, points: impl Fn(usize) -> Vec<Point>) -> Vec<Curve> {
        self.runs
            .iter()
            .map(|&run| {
                let label = Some(self.folder.runs[run].record.label.clone());
                Curve::new(label, run, stroke(self.folder, run), points(run))
            })
            .collect()
    }
}

/// Runs with a twin are dashed, on top of the broad light lines of runs without.
fn stroke(folder: &RunFolder, run: usize) -> Stroke {
    if folder.runs[run].record.twin.is_none() {
        return Stroke::Broad;
    }
    let before = folder.runs[..run]
        .iter()
        .filter(|run| run.record.twin.is_some())
        .count();
    Stroke::Dashed(before as u8)
}

/// From natural logarithms to the decimal ones of an axis.
pub(super) fn log10(ln: f64) -> f64 {
    ln / LN_10
}

/// Steps that a smoothed curve remembers: half an epoch, or a hundredth of everything if that is less.
pub(super) fn smoothing_window(folder: &RunFolder) -> f64 {
    let steps = folder.last_step().unwrap_or(0) as f64;
    (folder.steps_per_epoch() / 2.0).min(steps / 100.0).max(1.0)
}

/// Losses of very different size (a run that diverged, or one that has learnt everything) need a
/// logarithmic axis.
fn loss_scale(losses: impl Iterator<Item = f64>) -> Scale {
    let mut losses: Vec<f64> = losses.filter(|loss| loss.is_finite()).collect();
    losses.sort_by(f64::total_cmp);
    let median = losses.get(losses.len() / 2).copied().unwrap_or(0.0);
    match (losses.first(), losses.last()) {
        (Some(&low), Some(&high)) if low > 0.0 && high > 20.0 * median => Scale::Log10,
        _ => Scale::Linear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_axis_follows_the_losses() {
        assert_eq!(loss_scale([2.3, 1.0, 0.5].into_iter()), Scale::Linear);
        assert_eq!(loss_scale([2.3, 0.01, 0.01].into_iter()), Scale::Log10);
        assert_eq!(loss_scale([2.3, 0.01, 0.0, 0.0].into_iter()), Scale::Linear);
        assert_eq!(loss_scale([f64::NAN].into_iter()), Scale::Linear);
        assert_eq!(loss_scale([].into_iter()), Scale::Linear);
    }
}
