//! Batch normalisation (Ioffe & Szegedy 2015), `[N, C, H, W] → [N, C, H, W]`.
//!
//! `y = γ[c] · x̂ + β[c]`, `x̂ = (x − μ[c]) · r[c]`, `r = 1/√(σ² + ε)`: in training `μ` and `σ²` are mean
//! and biased variance over the `m = N·H·W` values of the channel, in evaluation the running ones. `r` is 0
//! where `σ² + ε = 0`: a channel without variance gives `β`, with zero gradient.
//!
//! Backward in training, with `g = ∂L/∂y` and `⟨·⟩` the mean over the channel:
//! `∂L/∂x = γ r (g − ⟨g⟩ − x̂ ⟨g x̂⟩)`, `∂L/∂γ = Σ g x̂`, `∂L/∂β = Σ g`.

use ndarray::parallel::prelude::*;
use ndarray::{ArrayView2, Axis, Zip};

use super::{NormalisationGradients, element, reciprocal_deviation, vector};
use crate::Tensor;

/// Mean and variance of each channel, `[C]` each.
#[derive(Clone, Debug)]
pub(crate) struct ChannelStatistics {
    pub(crate) mean: Vec<f64>,
    /// Biased (`Σ(x − μ)²/m`) when it comes from a batch.
    pub(crate) variance: Vec<f64>,
    /// `m`: values of each channel in the batch.
    pub(crate) values: usize,
}

impl ChannelStatistics {
    /// Of the batch `x`.
    pub(crate) fn of(x: &Tensor) -> Self {
        let (images, channels, height, width) = x.dim();
        let values = images * height * width;
        // Differences from the channel's first value, not values: a constant channel then has its
        // mean exactly and variance 0, whatever the constant.
        let first: Vec<f64> = (0..channels).map(|c| x[[0, c, 0, 0]]).collect();
        let offset = channel_sums(x, |c, x| x - first[c]);
        let mean: Vec<f64> = (first.iter().zip(offset))
            .map(|(first, sum)| first + sum / values as f64)
            .collect();
        let squares = channel_sums(x, |c, x| (x - mean[c]) * (x - mean[c]));
        let variance = squares.iter().map(|sum| sum / values as f64).collect();
        Self {
            mean,
            variance,
            values,
        }
    }

    /// In the place of a normalisation that has none.
    pub(crate) fn none() -> Self {
        Self {
            mean: Vec::new(),
            variance: Vec::new(),
            values: 0,
        }
    }

    /// `m/(m − 1)`, from biased to unbiased variance; 1 for a single value, whose variance is 0 and
    /// has no unbiased estimate.
    pub(crate) fn unbiasing(&self) -> f64 {
        self.values as f64 / self.values.saturating_sub(1).max(1) as f64
    }

    /// `r`.
    fn reciprocal_deviation(&self, epsilon: f64) -> Vec<f64> {
        let variances = self.variance.iter();
        variances
            .map(|&variance| reciprocal_deviation(variance, epsilon))
            .collect()
    }
}

/// `y`, with these statistics.
pub(crate) fn forward(
    x: &Tensor,
    statistics: &ChannelStatistics,
    epsilon: f64,
    scale: Option<&Tensor>,
    shift: Option<&Tensor>,
) -> Tensor {
    let r = statistics.reciprocal_deviation(epsilon);
    let mean = &statistics.mean;
    let mut y = x.clone();
    for_each_plane(&mut y, |_, c, plane| {
        let scale = element(scale, c, 1.0);
        let shift = element(shift, c, 0.0);
        plane.map_inplace(|value| *value = scale * ((*value - mean[c]) * r[c]) + shift);
    });
    y
}

/// All gradients, from `g = ∂L/∂y`; `statistics` are those of the batch `x`.
pub(crate) fn backward(
    x: &Tensor,
    statistics: &ChannelStatistics,
    epsilon: f64,
    scale: Option<&Tensor>,
    g: &Tensor,
) -> NormalisationGradients {
    let r = statistics.reciprocal_deviation(epsilon);
    let mean = &statistics.mean;
    let mut normalised = x.clone();
    for_each_plane(&mut normalised, |_, c, plane| {
        plane.map_inplace(|value| *value = (*value - mean[c]) * r[c]);
    });
    let product = Zip::from(g)
        .and(&normalised)
        .par_map_collect(|&g, &normalised| g * normalised);
    let shift = channel_sums(g, |_, g| g);
    let scale_gradient = channel_sums(&product, |_, product| product);
    let m = statistics.values as f64;
    let mut input = normalised;
    for_each_plane(&mut input, |n, c, plane| {
        let factor = element(scale, c, 1.0) * r[c];
        let (mean_g, mean_product) = (shift[c] / m, scale_gradient[c] / m);
        let g = g.index_axis(Axis(0), n);
        plane.zip_mut_with(&g.index_axis(Axis(0), c), |value, g| {
            *value = factor * (g - mean_g - *value * mean_product);
        });
    });
    NormalisationGradients {
        input,
        scale: vector(&scale_gradient),
        shift: vector(&shift),
    }
}

/// Calls `change(n, c, plane)` for every image and channel.
fn for_each_plane(
    x: &mut Tensor,
    change: impl Fn(usize, usize, &mut ndarray::ArrayViewMut2<'_, f64>) + Sync,
) {
    x.outer_iter_mut()
        .into_par_iter()
        .enumerate()
        .for_each(|(n, mut image)| {
            for (c, mut plane) in image.outer_iter_mut().enumerate() {
                change(n, c, &mut plane);
            }
        });
}

/// `Σ_{n,i,j} term(c, x[n, c, i, j])` of each channel: within each image, then over images in order.
fn channel_sums(x: &Tensor, term: impl Fn(usize, f64) -> f64 + Sync) -> Vec<f64> {
    let plane_sum = |c: usize, plane: ArrayView2<'_, f64>| -> f64 {
        // Column by column, then across: sums along rows would wait for each other.
        let mut columns = vec![0.0; plane.ncols()];
        for row in plane.outer_iter() {
            for (sum, &value) in columns.iter_mut().zip(row) {
                *sum += term(c, value);
            }
        }
        columns.iter().sum()
    };
    let of_images: Vec<Vec<f64>> = x
        .outer_iter()
        .into_par_iter()
        .map(|image| {
            let planes = image.outer_iter().enumerate();
            planes.map(|(c, plane)| plane_sum(c, plane)).collect()
        })
        .collect();
    let mut sums = vec![0.0; x.dim().1];
    for image in of_images {
        for (sum, term) in sums.iter_mut().zip(image) {
            *sum += term;
        }
    }
    sums
}
