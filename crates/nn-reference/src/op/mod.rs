//! The operations, one file each: forward, backward, and nothing shared but sums and the ends of
//! normalisations.

pub(crate) mod add;
pub(crate) mod batch_norm;
pub(crate) mod conv2d;
pub(crate) mod global_average_pool;
pub(crate) mod group_norm;
pub(crate) mod linear;
pub(crate) mod max_pool;
pub(crate) mod relu;
pub(crate) mod zero_pad_shortcut;

#[cfg(test)]
mod finite_differences;

use crate::Tensor;

/// Sum of each image's contribution, first image first: the order, and so every bit of the result,
/// is the same for any number of threads.
pub(crate) fn sum_in_order(shape: ndarray::Ix4, contributions: &[Tensor]) -> Tensor {
    let mut sum = Tensor::zeros(shape);
    for contribution in contributions {
        sum += contribution;
    }
    sum
}

/// `[C]` as a parameter tensor.
pub(crate) fn vector(values: &[f64]) -> Tensor {
    Tensor::from_shape_fn((values.len(), 1, 1, 1), |(c, ..)| values[c])
}

/// Gradients of the loss by what a normalisation reads.
pub(crate) struct NormalisationGradients {
    pub(crate) input: Tensor,
    pub(crate) scale: Tensor,
    pub(crate) shift: Tensor,
}

/// `1/√(σ² + ε)`, and 0 where `σ² + ε = 0`.
fn reciprocal_deviation(variance: f64, epsilon: f64) -> f64 {
    match variance + epsilon {
        0.0 => 0.0,
        sum => sum.sqrt().recip(),
    }
}

/// Element `c` of an optional parameter.
fn element(parameter: Option<&Tensor>, c: usize, otherwise: f64) -> f64 {
    parameter.map_or(otherwise, |parameter| parameter[[c, 0, 0, 0]])
}
