//! What was found, in sentences that claim no more than the numbers carry.

use std::f64::consts::LN_10;

use super::{Outcome, outcomes};
use crate::numbers::{fixed, percent, power_of_ten, significant, thousands};
use run_records::{Run, RunFolder};

/// What is said about one run.
pub(crate) struct Finding {
    pub(crate) label: String,
    pub(crate) sentences: Vec<String>,
}

/// Sentences for every run that has a twin, and for every run that diverged.
pub(crate) fn findings(folder: &RunFolder) -> Vec<Finding> {
    outcomes(folder)
        .iter()
        .filter_map(|outcome| {
            let mut sentences = Vec::new();
            sentences.extend(divergence(outcome));
            if let Some(twin) = outcome.twin {
                sentences.extend(accuracy(outcome, twin, folder.manifest.data.test_images));
                sentences.extend(growth(outcome, twin));
                sentences.extend(effective_rate(outcome.run, twin));
                sentences.extend(direction(outcome.run));
            }
            let label = outcome.run.record.label.clone();
            (!sentences.is_empty()).then_some(Finding { label, sentences })
        })
        .collect()
}

fn divergence(outcome: &Outcome<'_>) -> Option<String> {
    let (first, count) = outcome.diverged()?;
    let losses = if count == 1 { "loss is" } else { "losses are" };
    Some(format!(
        "It diverged: {} of its {} {losses} not finite, first at step {}.",
        thousands(count as u64),
        thousands(outcome.run.steps.len() as u64),
        thousands(first),
    ))
}

fn accuracy(outcome: &Outcome<'_>, twin: &Run, test_images: usize) -> Option<String> {
    let (own, other) = outcome.last_common()?;
    let (own_accuracy, accuracy) = (own.test_accuracy, other.test_accuracy);
    // One standard error of a share of n images, in points.
    let error = 100.0 * (accuracy * (1.0 - accuracy) / test_images.max(1) as f64).sqrt();
    Some(format!(
        "After epoch {} its test accuracy is {}, that of “{}” {}: they differ by {} points. One \
         accuracy on {} test images is itself uncertain by about ±{} points (standard error), and one \
         seed decides nothing statistically.",
        own.epoch,
        percent(own_accuracy),
        twin.record.label,
        percent(accuracy),
        fixed(100.0 * (own_accuracy - accuracy).abs(), 1),
        thousands(test_images as u64),
        fixed(error, 1),
    ))
}

fn growth(outcome: &Outcome<'_>, twin: &Run) -> Option<String> {
    let first = outcome
        .run
        .steps
        .iter()
        .find(|point| point.ln_rate.is_finite())?
        .ln_rate;
    let last = outcome.ln_rate();
    let mut text = format!(
        "Its learning rate went from {} to {} (ln η from {} to {})",
        power_of_ten(first / LN_10),
        power_of_ten(last / LN_10),
        fixed(first, 2),
        fixed(last, 2),
    );
    if let (Some(own), Some(other)) = (norm_growth(outcome.run), norm_growth(twin)) {
        text.push_str(&format!(
            "; its ‖w‖² changed by a factor of {}, that of “{}” by {}",
            power_of_ten(own / LN_10),
            twin.record.label,
            power_of_ten(other / LN_10),
        ));
    }
    text.push('.');
    Some(text)
}

/// `ln` of last over first `‖w‖²`.
fn norm_growth(run: &Run) -> Option<f64> {
    let mut norms = run
        .norms
        .iter()
        .map(|point| point.ln_norm_squared)
        .filter(|ln| ln.is_finite());
    let first = norms.next()?;
    Some(norms.next_back()? - first)
}

fn effective_rate(run: &Run, twin: &Run) -> Option<String> {
    let mut ratios: Vec<f64> = run
        .norms
        .iter()
        .filter_map(|point| {
            let other = twin.norm(point.step)?.ln_norm_squared_over_rate;
            Some((point.ln_norm_squared_over_rate - other).abs().exp_m1())
        })
        .filter(|ratio| ratio.is_finite())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let (median, largest) = (ratios.get(ratios.len() / 2)?, ratios.last()?);
    Some(format!(
        "The effective rate, which decides how fast a scale-invariant network turns, differs between the two by \
         {} % in the median and {} % at most.",
        significant(100.0 * median),
        significant(100.0 * largest),
    ))
}

fn direction(run: &Run) -> Option<String> {
    let mut gaps = run.norms.iter().filter(|point| point.worst_gap.is_finite());
    let first = gaps.find(|point| point.step > 0)?;
    let last = gaps.next_back().unwrap_or(first);
    Some(format!(
        "The directions of their weights are {} apart at step {} and {} at step {} in the layer where \
         it is most (√2 at a right angle); in the median layer {} at the end.",
        significant(first.worst_gap),
        thousands(first.step),
        significant(last.worst_gap),
        thousands(last.step),
        significant(last.median_gap),
    ))
}
