//! Statistics of each image over groups of its channels. The same in training and evaluation.

use std::ops::Range;

use super::kernels::{factor, inverse_root};
use crate::norm::Norm;

/// The channels of each group.
fn ranges(norm: &Norm, groups: usize) -> impl Iterator<Item = Range<usize>> + Clone + use<> {
    let size = norm.layout.channels / groups;
    (0..groups).map(move |group| group * size..(group + 1) * size)
}

/// From the statistics of each channel, those of its group.
pub(super) fn finish(norm: &mut Norm, groups: usize, images: usize, epsilon: f64) {
    let (stored, positions) = (norm.layout.stored, norm.positions());
    let groups = ranges(norm, groups);
    for image in 0..images {
        let (means, squares) = norm.sums[image * 2 * stored..][..2 * stored].split_at(stored);
        for range in groups.clone() {
            let channels = range.len() as f64;
            // Of differences, so that equal means have theirs exactly.
            let first = means[range.start];
            let difference: f64 = means[range.clone()].iter().map(|mean| mean - first).sum();
            let mean = first + difference / channels;
            let between = means[range.clone()].iter().map(|of| (of - mean).powi(2));
            let within: f64 = squares[range.clone()].iter().sum();
            let variance = (within + positions * between.sum::<f64>()) / (positions * channels);
            let to = image * stored + range.start..image * stored + range.end;
            norm.mean[to.clone()].fill(mean as f32);
            norm.inverse[to].fill(inverse_root(variance + epsilon));
        }
        let inverses = norm.inverse[image * stored..][..stored].iter();
        let of = inverses.zip(norm.scale.iter());
        for (to, (&inverse, &scale)) in norm.factor[image * stored..].iter_mut().zip(of) {
            *to = factor(scale, inverse);
        }
    }
}

/// From the gradient's sums of each channel, what its input's gradient subtracts in each group; and the sums over
/// images.
pub(super) fn average_gradients(norm: &mut Norm, groups: usize, images: usize) {
    let (stored, positions) = (norm.layout.stored, norm.positions());
    let groups = ranges(norm, groups);
    norm.total.fill(0.0);
    for image in 0..images {
        let sums = &norm.sums[image * 2 * stored..][..2 * stored];
        let totals = norm.total.iter_mut().zip(sums);
        totals.for_each(|(total, sum)| *total += sum);
        let (gradients, products) = sums.split_at(stored);
        for range in groups.clone() {
            let scale = &norm.scale[range.clone()];
            let mean = |sums: &[f64]| -> f32 {
                let terms = scale.iter().zip(&sums[range.clone()]);
                let sum: f64 = terms.map(|(&scale, &sum)| f64::from(scale) * sum).sum();
                (sum / (positions * range.len() as f64)) as f32
            };
            let to = image * stored + range.start..image * stored + range.end;
            norm.mean_gradient[to.clone()].fill(mean(gradients));
            norm.mean_product[to].fill(mean(products));
        }
    }
}
