//! Figure 1: a run with weight decay and its exact twin without.

use super::Figure;
use super::curves::{Selection, log10};
use crate::chart::{Chart, Scale};
use run_records::RunFolder;

const STATEMENT: &str = "Training with weight decay and training without it, at a learning rate that \
    grows exponentially, give the same curves (figure 1; at the standard recipe the rate grows by a \
    factor of 1.481 an epoch). Without weight decay ‖w‖² grows exponentially too, with ‖w‖²/η \
    constant; with it, ‖w‖² stays roughly constant.";

const LOOK: &str = "The thin dashed line of the twin should lie in the middle of the broad pale line of \
    its original wherever the function learnt is concerned, while rates and norms part by orders of \
    magnitude.";

/// The figure, if there is a pair. Exact twins are preferred: only they must coincide.
pub(super) fn figure(folder: &RunFolder) -> Option<Figure> {
    let twins = folder.twins();
    let exact: Vec<(usize, usize)> = twins
        .iter()
        .copied()
        .filter(|&(run, _)| folder.runs[run].record.transform == "wd-free")
        .collect();
    let pairs = if exact.is_empty() { twins } else { exact };
    let mut runs: Vec<usize> = pairs.iter().flat_map(|&(run, twin)| [run, twin]).collect();
    // Originals first, so that twins are drawn on top.
    runs.sort_by_key(|&run| (folder.runs[run].record.twin.is_some(), run));
    runs.dedup();
    if runs.is_empty() {
        return None;
    }
    let selection = Selection::of(folder, &runs);
    let mut panels = accuracies(&selection);
    panels.extend(scales(&selection));
    Some(Figure {
        id: "figure-1",
        heading: "Figure 1 – one trajectory, two recipes",
        stated_by: "The paper's statement",
        statement: STATEMENT,
        look: LOOK,
        panels,
    })
}

/// What the network has learnt.
fn accuracies(selection: &Selection<'_>) -> Vec<(Chart, &'static str)> {
    vec![
        (
            selection.chart(
                "figure-1-test-accuracy",
                "Test accuracy, %",
                Scale::Linear,
                selection.per_epoch(|point| 100.0 * point.test_accuracy),
            ),
            "After every epoch. The twin is evaluated with running statistics corrected for the \
             changing scale of its weights.",
        ),
        (
            selection.chart(
                "figure-1-train-accuracy",
                "Training accuracy, %",
                Scale::Linear,
                selection.per_epoch(|point| 100.0 * point.train_accuracy),
            ),
            "Mean over the steps of each epoch, on augmented images as trained.",
        ),
    ]
}

/// What differs, and what of it does not.
fn scales(selection: &Selection<'_>) -> Vec<(Chart, &'static str)> {
    vec![
        (
            selection.chart(
                "figure-1-learning-rate",
                "Learning rate η",
                Scale::Log10,
                selection.per_step(|point| log10(point.ln_rate)),
            ),
            "A straight line on this axis is an exponential; its slope changes with the rate of the \
             recipe.",
        ),
        (
            selection.chart(
                "figure-1-norm",
                "Squared weight norm ‖w‖²",
                Scale::Log10,
                selection.per_norm(|point| log10(point.ln_norm_squared)),
            ),
            "All layers together. Without weight decay it grows by orders of magnitude.",
        ),
        (
            selection.chart(
                "figure-1-norm-over-rate",
                "Inverse of the effective rate",
                Scale::Log10,
                selection.per_norm(|point| log10(point.ln_norm_squared_over_rate)),
            ),
            "‖w‖²/η, of AdamW ‖w‖/η: what a scale-invariant network feels of its rate. The two differ by the decay of a \
             single step, which is less than a line's width.",
        ),
        (
            selection.training_loss("figure-1-loss", "Training loss, nats"),
            "Mean cross-entropy of the batches, smoothed, in front of the single steps.",
        ),
    ]
}
