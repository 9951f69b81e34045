//! Mean softmax cross-entropy over the batch, and its gradient.

use nn_engine::StepStats;

use crate::layout::Layout;

/// Loss in nats and number of right answers, summed over images.
///
/// `logits` is `[image][classes, filled up to 16]`. Where `gradient` is given, it receives
/// `(softmax − onehot) / images`.
pub(crate) fn softmax_cross_entropy(
    layout: &Layout,
    logits: &[f32],
    labels: impl Iterator<Item = u8>,
    images: usize,
    mut gradient: Option<&mut [f32]>,
) -> StepStats {
    let mut total = StepStats::default();
    let scale = (images as f64).recip();
    for (image, label) in labels.take(images).enumerate() {
        let label = usize::from(label);
        let row = &logits[image * layout.image()..][..layout.channels];
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponential = |logit: f32| f64::from(logit - largest).exp();
        let sum: f64 = row.iter().copied().map(exponential).sum();
        let loss = sum.ln() - f64::from(row[label] - largest);
        total.loss += loss;
        // The first of equal logits wins; a row that gives no loss has no right answer.
        let told = row.iter().position(|&logit| logit == largest);
        total.correct += u32::from(told == Some(label) && !loss.is_nan());
        if let Some(gradient) = &mut gradient {
            let to = &mut gradient[image * layout.image()..][..layout.channels];
            for (class, (to, &logit)) in to.iter_mut().zip(row).enumerate() {
                let target = if class == label { 1.0 } else { 0.0 };
                *to = ((exponential(logit) / sum - target) * scale) as f32;
            }
        }
    }
    total
}
