//! Batch normalisation (Ioffe & Szegedy 2015).

use super::image;
use crate::{GraphError, ParameterId, Shape};

/// `y = scale · (x − μ) / √(σ² + ε) + shift` per channel, `μ` and `σ²` the mean and the biased
/// variance over the images of the batch and all positions.
///
/// Evaluation uses running averages of `μ` and of the unbiased variance instead, each step moved by
/// [`STATISTICS_MOMENTUM`](Self::STATISTICS_MOMENTUM) towards the batch's, as PyTorch does.
/// With `ε = 0`, a channel whose variance is 0 gives 0 (and `shift`), with zero gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// `[C]`, trained: often called γ.
    pub scale: Option<ParameterId>,
    /// `[C]`, trained: often called β.
    pub shift: Option<ParameterId>,
    /// `ε ≥ 0`, added to the variance.
    pub epsilon: f64,
}

impl BatchNorm {
    /// Weight of the new batch in the running averages: `r ← 0.9 r + 0.1 μ`.
    pub const STATISTICS_MOMENTUM: f64 = 0.1;
}

pub(super) fn output_shape(node: &str, input: &Shape) -> Result<Shape, GraphError> {
    image(node, "batch_norm", input)?;
    Ok(input.clone())
}
