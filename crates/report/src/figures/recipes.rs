//! Figure 2: step decay with weight decay beside all its counterparts.

use super::Figure;
use super::curves::{Selection, log10};
use crate::chart::Scale;
use run_records::RunFolder;

const STATEMENT: &str = "Step decay with weight decay and TEXP, the tapered exponential rate without \
    weight decay, train along similar trajectories and reach similar accuracy (figure 2).";

const LOOK: &str = "All runs should drop together at the dotted verticals, where the recipe's rate \
    falls, and end at about the same height. The exact counterpart follows the recipe step by step; \
    TEXP differs from it at the start and a little at each drop, so its curve need not coincide.";

/// The figure, of all runs.
pub(super) fn figure(folder: &RunFolder) -> Figure {
    let mut runs: Vec<usize> = (0..folder.runs.len()).collect();
    runs.sort_by_key(|&run| (folder.runs[run].record.twin.is_some(), run));
    let selection = Selection::of(folder, &runs);
    let panels = vec![
        (
            selection.training_loss("figure-2-loss", "Training loss of every step, nats"),
            "Running mean over half an epoch at most, which looks back only; the pale band behind it \
             is single steps.",
        ),
        (
            selection.chart(
                "figure-2-test-accuracy",
                "Test accuracy, %",
                Scale::Linear,
                selection.per_epoch(|point| 100.0 * point.test_accuracy),
            ),
            "After every epoch.",
        ),
        (
            selection.chart(
                "figure-2-test-error",
                "Test error, %",
                Scale::Log10,
                selection.per_epoch(|point| (100.0 * (1.0 - point.test_accuracy)).log10()),
            ),
            "The same on a logarithmic axis, where the last epochs are easier to tell apart.",
        ),
        (
            selection.chart(
                "figure-2-learning-rate",
                "Learning rate η",
                Scale::Log10,
                selection.per_step(|point| log10(point.ln_rate)),
            ),
            "Each drop of the recipe is also one of its counterparts, which grow on at another slope.",
        ),
    ];
    Figure {
        id: "figure-2",
        heading: "Figure 2 – step decay, exact counterpart, TEXP",
        stated_by: "The paper's statement",
        statement: STATEMENT,
        look: LOOK,
        panels,
    }
}
