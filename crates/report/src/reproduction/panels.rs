//! Which charts a figure of a reproduction has.

use super::{PaperFigure, PaperPanel, Quantity, SeededRun};
use crate::chart::{Chart, Scale, Stroke};
use crate::figures::curves::{Line, Selection, floored, log10};
use run_records::Run;

/// The charts with their captions; their ids lack the figure's.
pub(super) fn charts(figure: &PaperFigure) -> Vec<(Chart, String)> {
    let selection = Selection {
        lines: lines(&figure.runs),
        marks: figure.milestones.clone(),
    };
    let panels = figure.panels.iter();
    panels
        .filter_map(|panel| match panel {
            PaperPanel::Recorded(quantity) => recorded(&selection, *quantity),
            PaperPanel::Chart { chart, caption } => Some((chart.clone(), caption.clone())),
        })
        .collect()
}

/// Runs with a twin are dashed, on top of the broad light lines of runs without.
fn lines(runs: &[SeededRun]) -> Vec<Line<'_>> {
    let has_twin = |run: &SeededRun| {
        run.seeds
            .first()
            .is_some_and(|seed| seed.record.twin.is_some())
    };
    let mut dashed = 0u8;
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (colour, run) in runs.iter().enumerate() {
        let stroke = if has_twin(run) {
            dashed = dashed.wrapping_add(1);
            Stroke::Dashed(dashed.wrapping_sub(1))
        } else {
            Stroke::Broad
        };
        lines.push(Line {
            label: run.label.clone(),
            colour,
            stroke,
            seeds: run.seeds.iter().collect(),
            per_epoch: run.steps_per_epoch.max(1.0),
        });
    }
    lines.sort_by_key(|line| line.stroke != Stroke::Broad);
    lines
}

/// The chart of a quantity with its caption; none of what no run has.
pub(crate) fn recorded(selection: &Selection<'_>, quantity: Quantity) -> Option<(Chart, String)> {
    let (chart, caption) = match quantity {
        Quantity::TrainLoss => (
            selection.training_loss("train-loss", "Training loss, nats"),
            "Mean cross-entropy of the batches: running mean over half an epoch at most, which looks back only.",
        ),
        Quantity::TestAccuracy => (
            selection.chart(
                "test-accuracy",
                "Test accuracy, %",
                Scale::Linear,
                selection.per_epoch(|point| 100.0 * point.test_accuracy),
            ),
            "After every epoch.",
        ),
        Quantity::LearningRate => (
            selection.chart(
                "learning-rate",
                "Learning rate η",
                Scale::Log10,
                selection.per_step(|point| log10(point.ln_rate)),
            ),
            "A straight line on a logarithmic axis is an exponential.",
        ),
        Quantity::SquaredNorm => (
            selection.chart(
                "norm",
                "Squared weight norm ‖w‖²",
                Scale::Log10,
                selection.per_norm(|point| log10(point.ln_norm_squared)),
            ),
            "All layers together.",
        ),
        Quantity::SquaredNormOverRate => (
            selection.chart(
                "norm-over-rate",
                "Inverse of the effective rate",
                Scale::Log10,
                selection.per_norm(|point| log10(point.ln_norm_squared_over_rate)),
            ),
            "‖w‖²/η, of AdamW ‖w‖/η: what a scale-invariant network feels of its rate.",
        ),
        Quantity::TwinGap => (
            selection
                .of_runs(|run| run.record.twin.is_some())?
                .chart_of_gaps(),
            "‖w/‖w‖ − v/‖v‖‖ in the layer where it is largest: √2 at a right angle. Zero is drawn at 10⁻¹⁷. Rounding starts it, and training amplifies it.",
        ),
        Quantity::LawDeviation => (
            selection
                .of_runs(|run| !run.laws.is_empty())?
                .chart_of_laws(),
            "From the original's state, as the law maps it, both make a step; relative to what the law makes of the \
             original's, the largest of weights, momentum, running statistics and loss. Zero is drawn at 10⁻¹⁷.",
        ),
    };
    Some((chart, format!("{caption}{}", seeds(selection))))
}

impl Selection<'_> {
    /// Only the lines that have a seed of this kind, if there is one.
    fn of_runs(&self, has: impl Fn(&Run) -> bool) -> Option<Self> {
        let mut lines = self.lines.clone();
        lines.retain(|line| line.seeds.iter().any(|seed| has(seed)));
        let marks = self.marks.clone();
        (!lines.is_empty()).then_some(Self { lines, marks })
    }

    /// Twins part early: epochs are logarithms, too.
    fn chart_of_gaps(&self) -> Chart {
        let gaps = self.per_norm_log(|point| floored(point.worst_gap));
        let title = "Distance of the twins' directions";
        let chart = self.chart("gap", title, Scale::Log10, gaps);
        Chart {
            x_scale: Scale::Log10,
            marks: self.marks.iter().map(|epoch| epoch.log10()).collect(),
            ..chart
        }
    }

    fn chart_of_laws(&self) -> Chart {
        let deviations = self.per_law(|point| floored(point.largest()));
        let title = "Deviation from the law in one step";
        self.chart("law", title, Scale::Log10, deviations)
    }
}

/// What lines and bands are, if there are several seeds.
fn seeds(selection: &Selection<'_>) -> String {
    let counts = selection.lines.iter().map(|line| line.seeds.len());
    match (counts.clone().min(), counts.max()) {
        (_, None | Some(0 | 1)) => String::new(),
        (Some(fewest), Some(most)) if fewest != most => format!(
            " Lines are means over {fewest} to {most} seeds, bands reach from the lowest to the highest."
        ),
        (_, Some(seeds)) => format!(
            " Lines are means over {seeds} seeds, bands reach from the lowest to the highest."
        ),
    }
}
