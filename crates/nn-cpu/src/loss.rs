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
        total.loss += sum.ln() - f64::from(row[label] - largest);
        // The first of equal logits wins; a row of NaN has no right answer.
        total.correct += u32::from(row.iter().position(|&logit| logit == largest) == Some(label));
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
