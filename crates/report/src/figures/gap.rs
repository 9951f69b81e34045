//! How far twins are apart.

use super::Figure;
use super::curves::{floored, smoothing_window};
use crate::chart::{Chart, Curve, Scale, Stroke};
use crate::series::{Point, running_mean};
use run_records::RunFolder;

const STATEMENT: &str = "In exact arithmetic the weights of the exact twin point in the same direction \
    at every step, so both curves would be zero. Rounding starts a difference that training then \
    amplifies, as it does between two runs of one recipe that differ in the last bit; TEXP differs \
    from its first step.";

const LOOK: &str = "How small the gap of the exact twin is at the beginning, and how it grows: by \
    rounding, smoothly, and never by a jump. A wrong law would show as a large gap from the first \
    steps.";

/// Twins part within hundreds of steps; in longer runs, the beginning has panels of its own.
const BEGINNING: u64 = 1_000;

/// The figure, if a run has a twin.
pub(super) fn figure(folder: &RunFolder) -> Option<Figure> {
    let twins = folder.twins();
    if twins.is_empty() {
        return None;
    }
    let steps = folder.recorded_steps();
    let directions = |end| chart(folder, end, directions(folder, &twins, end));
    let losses = |end| chart(folder, end, losses(folder, &twins, end));
    let mut panels = vec![
        (
            directions(steps).called("gap-direction", "Distance of the twins' directions"),
            "‖w/‖w‖ − v/‖v‖‖ in the layer where it is largest: √2 at a right angle. Zero is drawn at 10⁻¹⁷.",
        ),
        (
            losses(steps).called("gap-loss", "|difference of losses|, nats"),
            "Of one batch, at every step: running mean, in front of single steps. Zero is drawn at \
             10⁻¹⁷.",
        ),
    ];
    if steps > 2 * BEGINNING {
        panels.push((
            directions(BEGINNING).called("gap-direction-beginning", "Distance, first 1,000 steps"),
            "The same, where the gap grows.",
        ));
        panels.push((
            losses(BEGINNING).called("gap-loss-beginning", "|difference|, first 1,000 steps"),
            "The same, where the gap grows.",
        ));
    }
    Some(Figure {
        id: "gap",
        heading: "The gap between twins",
        stated_by: "What theory says",
        statement: STATEMENT,
        look: LOOK,
        panels,
    })
}

/// A chart over steps, without its name yet.
fn chart(folder: &RunFolder, end: u64, curves: Vec<Curve>) -> Chart {
    let milestones = folder.manifest.milestones.iter();
    let marks = milestones.map(|&step| step as f64).collect();
    Chart {
        x_label: "step".to_owned(),
        x_end: end as f64,
        y_scale: Scale::Log10,
        curves,
        marks,
        ..Chart::default()
    }
}

fn directions(folder: &RunFolder, twins: &[(usize, usize)], end: u64) -> Vec<Curve> {
    let curve = |run: usize| {
        let norms = folder.runs[run]
            .norms
            .iter()
            .take_while(|point| point.step <= end);
        let points = norms.map(|point| (point.step as f64, floored(point.worst_gap)));
        Curve::new(Some(label(folder, run)), run, stroke(folder, run), points)
    };
    twins.iter().map(|&(run, _)| curve(run)).collect()
}

fn losses(folder: &RunFolder, twins: &[(usize, usize)], end: u64) -> Vec<Curve> {
    // The beginning is short: its mean remembers a hundredth of it.
    let steps = folder.recorded_steps() as f64;
    let window =
        smoothing_window(folder.steps_per_epoch(), steps).min((end as f64 / 100.0).max(1.0));
    let gaps: Vec<(usize, Vec<Point>)> = twins
        .iter()
        .map(|&(run, twin)| (run, loss_gaps(folder, run, twin, end)))
        .collect();
    let single = gaps.iter().map(|(run, gaps)| {
        let points = gaps.iter().map(|&(x, gap)| (x, floored(gap)));
        Curve::new(None, *run, Stroke::Faint, points)
    });
    let means = gaps.iter().map(|(run, gaps)| {
        let points = running_mean(gaps.iter().copied(), window).map(|(x, gap)| (x, floored(gap)));
        Curve::new(
            Some(label(folder, *run)),
            *run,
            stroke(folder, *run),
            points,
        )
    });
    single.chain(means).collect()
}

/// `|loss − twin's loss|` at every step that both recorded.
fn loss_gaps(folder: &RunFolder, run: usize, twin: usize, end: u64) -> Vec<Point> {
    let twin = &folder.runs[twin];
    let steps = &folder.runs[run].steps;
    steps
        .iter()
        .take_while(|point| point.step <= end)
        .filter_map(|point| {
            let other = twin.step(point.step)?;
            Some((point.step as f64, (point.loss - other.loss).abs()))
        })
        .collect()
}

/// Exact twins in plain lines; what only resembles its twin is dashed.
fn stroke(folder: &RunFolder, run: usize) -> Stroke {
    match folder.runs[run].record.transform.as_str() {
        "wd-free" => Stroke::Solid,
        _ => Stroke::Dashed(0),
    }
}

fn label(folder: &RunFolder, run: usize) -> String {
    folder.runs[run].record.label.clone()
}
