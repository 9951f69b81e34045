//! From the columns of a run to curves.

use std::f64::consts::LN_10;

use crate::chart::{Chart, Curve, Scale, Stroke};
use crate::series::{Point, running_mean};
use run_records::{EpochPoint, LawPoint, NormPoint, Run, RunFolder, StepPoint};

/// One line of a figure: a run, or the same run from several seeds.
#[derive(Clone)]
pub(crate) struct Line<'a> {
    /// For the legend.
    pub(crate) label: String,
    /// Index of its colour.
    pub(crate) colour: usize,
    pub(crate) stroke: Stroke,
    /// One for each seed.
    pub(crate) seeds: Vec<&'a Run>,
    /// Steps in an epoch.
    pub(crate) per_epoch: f64,
}

/// What a figure shows, and how it looks in all its panels.
pub(crate) struct Selection<'a> {
    pub(crate) lines: Vec<Line<'a>>,
    /// Epochs at which the recipe's rate jumps.
    pub(crate) marks: Vec<f64>,
}

impl<'a> Selection<'a> {
    /// Runs of one folder, by their indices.
    pub(super) fn of(folder: &'a RunFolder, runs: &[usize]) -> Self {
        let per_epoch = folder.steps_per_epoch();
        let line = |&run: &usize| Line {
            label: folder.runs[run].record.label.clone(),
            colour: run,
            stroke: stroke(&folder.runs, run),
            seeds: vec![&folder.runs[run]],
            per_epoch,
        };
        let milestones = folder.manifest.milestones.iter();
        Self {
            lines: runs.iter().map(line).collect(),
            marks: milestones.map(|&step| step as f64 / per_epoch).collect(),
        }
    }

    /// A chart over epochs, with the recipe's jumps marked.
    pub(crate) fn chart(
        &self,
        id: impl Into<String>,
        title: &str,
        y_scale: Scale,
        curves: Vec<Curve>,
    ) -> Chart {
        let ends = self.lines.iter().map(Line::epochs);
        Chart {
            id: id.into(),
            title: title.to_owned(),
            x_label: "epoch".to_owned(),
            x_end: ends.fold(0.0, f64::max),
            y_scale,
            curves,
            marks: self.marks.clone(),
            ..Chart::default()
        }
    }

    /// One curve a line of something known after every epoch.
    pub(crate) fn per_epoch(&self, value: impl Fn(&EpochPoint) -> f64) -> Vec<Curve> {
        self.curves(|_, run| {
            let epochs = run.epochs.iter();
            epochs
                .map(|point| (point.epoch as f64, value(point)))
                .collect()
        })
    }

    /// One curve a line of something known at every step.
    pub(crate) fn per_step(&self, value: impl Fn(&StepPoint) -> f64) -> Vec<Curve> {
        self.curves(|line, run| line.steps(run, &value))
    }

    /// One curve a line of something known where norms were taken.
    pub(crate) fn per_norm(&self, value: impl Fn(&NormPoint) -> f64) -> Vec<Curve> {
        self.curves(|line, run| {
            let norms = run.norms.iter();
            norms
                .map(|point| (point.step as f64 / line.per_epoch, value(point)))
                .collect()
        })
    }

    /// The same along an axis of logarithms, which has no place for what is before the first step.
    pub(crate) fn per_norm_log(&self, value: impl Fn(&NormPoint) -> f64) -> Vec<Curve> {
        self.curves(|line, run| {
            let norms = run.norms.iter().filter(|point| point.step > 0);
            norms
                .map(|point| {
                    let epoch = point.step as f64 / line.per_epoch;
                    (epoch.log10(), value(point))
                })
                .collect()
        })
    }

    /// One curve a line of what checks of the law found.
    pub(crate) fn per_law(&self, value: impl Fn(&LawPoint) -> f64) -> Vec<Curve> {
        self.curves(|line, run| {
            let laws = run.laws.iter();
            laws.map(|point| (point.step as f64 / line.per_epoch, value(point)))
                .collect()
        })
    }

    /// Training loss of each step, smoothed, on the scale that suits it; in front of single steps, unless these are
    /// of several seeds.
    pub(crate) fn training_loss(&self, id: impl Into<String>, title: &str) -> Chart {
        let loss = |point: &StepPoint| point.loss;
        let mean = |line: &Line<'_>, run: &Run| -> Vec<Point> {
            running_mean(line.steps(run, loss), line.smoothing_window()).collect()
        };
        let means = self.lines.iter().flat_map(|line| {
            let seeds = line.seeds.iter();
            seeds.flat_map(move |run| mean(line, run))
        });
        let scale = loss_scale(means.map(|point| point.1));
        let scaled = |points: Vec<Point>| match scale {
            Scale::Linear => points,
            Scale::Log10 => points.into_iter().map(|(x, y)| (x, y.log10())).collect(),
        };
        let single = self.lines.iter().filter_map(|line| match line.seeds[..] {
            [run] => {
                let points = scaled(line.steps(run, loss));
                Some(Curve::new(None, line.colour, Stroke::Faint, points))
            }
            _ => None,
        });
        let mut curves: Vec<Curve> = single.collect();
        curves.extend(self.curves(|line, run| scaled(mean(line, run))));
        self.chart(id, title, scale, curves)
    }

    fn curves(&self, points: impl Fn(&Line<'_>, &Run) -> Vec<Point>) -> Vec<Curve> {
        let curve = |line: &Line<'_>| {
            let seeds: Vec<Vec<Point>> = line.seeds.iter().map(|run| points(line, run)).collect();
            Curve::over_seeds(Some(line.label.clone()), line.colour, line.stroke, &seeds)
        };
        self.lines.iter().map(curve).collect()
    }
}

impl Line<'_> {
    fn steps(&self, run: &Run, value: impl Fn(&StepPoint) -> f64) -> Vec<Point> {
        let steps = run.steps.iter();
        steps
            .map(|point| (point.step as f64 / self.per_epoch, value(point)))
            .collect()
    }

    /// Epochs that were recorded, of the seed that went furthest.
    fn epochs(&self) -> f64 {
        let last = self.seeds.iter().filter_map(|run| run.steps.last());
        let steps = last.map(|point| point.step.saturating_add(1)).max();
        steps.unwrap_or(0) as f64 / self.per_epoch
    }

    fn smoothing_window(&self) -> f64 {
        smoothing_window(self.per_epoch, self.epochs() * self.per_epoch)
    }
}

/// Runs with a twin are dashed, on top of the broad light lines of runs without.
fn stroke(runs: &[Run], run: usize) -> Stroke {
    if runs[run].record.twin.is_none() {
        return Stroke::Broad;
    }
    let before = runs[..run].iter();
    Stroke::Dashed(before.filter(|run| run.record.twin.is_some()).count() as u8)
}

/// Where a gap of nothing is drawn on a logarithmic axis: below all that rounding makes of numbers near 1.
const FLOOR: f64 = 1e-17;

/// `log10`, from the floor upwards.
pub(crate) fn floored(gap: f64) -> f64 {
    // `f64::max` would take the floor for NaN.
    if gap.is_finite() {
        gap.max(FLOOR).log10()
    } else {
        f64::NAN
    }
}

/// From natural logarithms to the decimal ones of an axis.
pub(crate) fn log10(ln: f64) -> f64 {
    ln / LN_10
}

/// Steps that a smoothed curve remembers: half an epoch, or a hundredth of everything if that is less.
pub(super) fn smoothing_window(steps_per_epoch: f64, steps: f64) -> f64 {
    (steps_per_epoch / 2.0).min(steps / 100.0).max(1.0)
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
