//! Statistics of each channel over the whole batch.

use nn_graph::op::BatchNorm;

use super::kernels::{factor, inverse_root};
use crate::norm::Norm;
use crate::replica::Statistics;

/// From the statistics of each image, those of the batch, and the running ones moved towards them.
pub(super) fn train(
    norm: &mut Norm,
    images: usize,
    running: &mut Statistics,
    (mean_factor, variance_factor): (f64, f64),
) {
    let (stored, positions) = (norm.layout.stored, norm.positions());
    let count = images as f64 * positions;
    let (means, squares) = norm.total.split_at_mut(stored);
    let each = || norm.sums.chunks_exact(2 * stored).take(images);
    means.fill(0.0);
    for image in each() {
        let image = image[..stored].iter();
        means
            .iter_mut()
            .zip(image)
            .for_each(|(sum, mean)| *sum += mean);
    }
    means.iter_mut().for_each(|mean| *mean /= images as f64);
    squares.fill(0.0);
    for image in each() {
        let (image_means, image_squares) = image.split_at(stored);
        let images = image_means.iter().zip(image_squares);
        for ((sum, mean), (image_mean, square)) in squares.iter_mut().zip(&*means).zip(images) {
            *sum += square + positions * (image_mean - mean).powi(2);
        }
    }
    let moved = |running: f32, factor: f64, batch: f64| {
        let momentum = BatchNorm::STATISTICS_MOMENTUM;
        ((1.0 - momentum) * f64::from(running) * factor + momentum * batch) as f32
    };
    for channel in 0..norm.layout.channels {
        let (mean, square) = (means[channel], squares[channel]);
        norm.mean[channel] = mean as f32;
        norm.inverse[channel] = inverse_root(square / count + running.epsilon);
        let to = &mut running.mean[channel];
        *to = moved(*to, mean_factor, mean);
        let to = &mut running.variance[channel];
        *to = moved(*to, variance_factor, square / (count - 1.0).max(1.0));
    }
    set_factors(norm);
}

/// The running statistics.
pub(super) fn evaluate(
    norm: &mut Norm,
    running: &Statistics,
    (mean_factor, variance_factor): (f64, f64),
) {
    for channel in 0..norm.layout.channels {
        norm.mean[channel] = (f64::from(running.mean[channel]) * mean_factor) as f32;
        let variance = f64::from(running.variance[channel]) * variance_factor;
        norm.inverse[channel] = inverse_root(variance + running.epsilon);
    }
    set_factors(norm);
}

fn set_factors(norm: &mut Norm) {
    let of = norm.scale.iter().zip(norm.inverse.iter());
    for (to, (&scale, &inverse)) in norm.factor.iter_mut().zip(of) {
        *to = factor(scale, inverse);
    }
}

/// From the gradient's sums of each image, what its input's gradient subtracts.
pub(super) fn average_gradients(norm: &mut Norm, images: usize) {
    let stored = norm.layout.stored;
    let count = images as f64 * norm.positions();
    norm.total.fill(0.0);
    for image in norm.sums.chunks_exact(2 * stored).take(images) {
        let totals = norm.total.iter_mut().zip(image);
        totals.for_each(|(total, sum)| *total += sum);
    }
    for channel in 0..norm.layout.channels {
        let scale = f64::from(norm.scale[channel]);
        norm.mean_gradient[channel] = (scale * norm.total[channel] / count) as f32;
        norm.mean_product[channel] = (scale * norm.total[stored + channel] / count) as f32;
    }
}
