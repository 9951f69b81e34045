//! Group normalisation (Wu & He 2018), `[N, C, H, W] → [N, C, H, W]`: with one group layer normalisation, with `C`
//! groups instance normalisation.
//!
//! `y = γ[c] · x̂ + β[c]`, `x̂ = (x − μ[n, k]) · r[n, k]`, `r = 1/√(σ² + ε)`: `μ` and `σ²` are mean and biased variance
//! over the `m = C/G·H·W` values of image `n` in group `k`, which holds the channels `k·C/G ≤ c < (k + 1)·C/G`. `r` is
//! 0 where `σ² + ε = 0`: a group without variance gives `β`, with zero gradient. The same in training and evaluation.
//!
//! Backward, with `g = ∂L/∂y` and `⟨·⟩` the mean over the group:
//! `∂L/∂x = r (γ g − ⟨γ g⟩ − x̂ ⟨γ g x̂⟩)`, `∂L/∂γ = Σ g x̂`, `∂L/∂β = Σ g` over images and positions.

use ndarray::parallel::prelude::*;
use ndarray::{ArrayView3, Axis, Slice};
use nn_graph::op::GroupNorm;

use super::{NormalisationGradients, element, reciprocal_deviation, sum_in_order, vector};
use crate::Tensor;

/// `y`.
pub(crate) fn forward(
    norm: &GroupNorm,
    x: &Tensor,
    scale: Option<&Tensor>,
    shift: Option<&Tensor>,
) -> Tensor {
    let mut y = x.clone();
    y.outer_iter_mut().into_par_iter().for_each(|mut image| {
        let channels = image.dim().0 / norm.groups;
        for (k, mut group) in image.axis_chunks_iter_mut(Axis(0), channels).enumerate() {
            let (mean, r) = statistics(group.view(), norm.epsilon);
            for ((c, _, _), value) in group.indexed_iter_mut() {
                let (gamma, beta) = (
                    element(scale, k * channels + c, 1.0),
                    element(shift, k * channels + c, 0.0),
                );
                *value = gamma * ((*value - mean) * r) + beta;
            }
        }
    });
    y
}

/// All gradients, from `g = ∂L/∂y`.
pub(crate) fn backward(
    norm: &GroupNorm,
    x: &Tensor,
    scale: Option<&Tensor>,
    g: &Tensor,
) -> NormalisationGradients {
    // Becomes the gradient image by image; each returns its contributions to the parameters' gradients.
    let mut input = x.clone();
    let contributions: Vec<(Tensor, Tensor)> = input
        .outer_iter_mut()
        .into_par_iter()
        .zip(g.outer_iter().into_par_iter())
        .map(|(mut image, g)| {
            let channels = image.dim().0 / norm.groups;
            let mut scale_sums = vec![0.0; image.dim().0];
            let mut shift_sums = vec![0.0; image.dim().0];
            for k in 0..norm.groups {
                let first = k * channels;
                let part = Slice::from(first..first + channels);
                let mut group = image.slice_axis_mut(Axis(0), part);
                let g = g.slice_axis(Axis(0), part);
                let (mean, r) = statistics(group.view(), norm.epsilon);
                group.map_inplace(|value| *value = (*value - mean) * r);
                for ((c, i, j), normalised) in group.indexed_iter() {
                    scale_sums[first + c] += g[[c, i, j]] * normalised;
                    shift_sums[first + c] += g[[c, i, j]];
                }
                let m = group.len() as f64;
                let of_group = |sums: &[f64]| -> f64 {
                    let terms = (first..first + channels).map(|c| element(scale, c, 1.0) * sums[c]);
                    terms.sum::<f64>() / m
                };
                let (mean_g, mean_product) = (of_group(&shift_sums), of_group(&scale_sums));
                for ((c, i, j), value) in group.indexed_iter_mut() {
                    let g = element(scale, first + c, 1.0) * g[[c, i, j]];
                    *value = r * (g - mean_g - *value * mean_product);
                }
            }
            (vector(&scale_sums), vector(&shift_sums))
        })
        .collect();
    let (scales, shifts): (Vec<Tensor>, Vec<Tensor>) = contributions.into_iter().unzip();
    let shape = ndarray::Dim((x.dim().1, 1, 1, 1));
    NormalisationGradients {
        input,
        scale: sum_in_order(shape, &scales),
        shift: sum_in_order(shape, &shifts),
    }
}

/// `(μ, r)` of one group of one image.
fn statistics(group: ArrayView3<'_, f64>, epsilon: f64) -> (f64, f64) {
    let m = group.len() as f64;
    // Differences from the first value, not values: a constant group then has its mean exactly and variance 0.
    let first = group[[0, 0, 0]];
    let mean = first + group.fold(0.0, |sum, x| sum + (x - first)) / m;
    let variance = group.fold(0.0, |sum, x| sum + (x - mean) * (x - mean)) / m;
    (mean, reciprocal_deviation(variance, epsilon))
}
