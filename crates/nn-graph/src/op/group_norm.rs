//! Group normalisation (Wu & He 2018), with layer and instance normalisation as its two ends.

use super::image;
use crate::{GraphError, ParameterId, Shape};

/// `y = scale[c] · (x − μ) / √(σ² + ε) + shift[c]`, `μ` and `σ²` the mean and the biased variance of *one image*
/// over all positions and the channels of a group: `groups` groups of as many neighbouring channels each.
///
/// - One group is layer normalisation over `[C, H, W]` (Ba, Kiros & Hinton 2016) with a scale and shift per
///   channel, as convolutional networks use it and as PyTorch's `GroupNorm(1, C)` is. PyTorch's
///   `LayerNorm([C, H, W])` has the same statistics, but a scale and a shift for each of the `C·H·W` elements.
/// - As many groups as channels are instance normalisation (Ulyanov, Vedaldi & Lempitsky 2016), PyTorch's
///   `InstanceNorm2d(C, affine=…)`.
///
/// Nothing is averaged over images or steps: there are no running statistics, and evaluation computes what training
/// does. With `ε = 0`, a group whose variance is 0 gives 0 (and `shift`), with zero gradient; so does a group of a
/// single value, such as a channel of one position in instance normalisation, for any `ε`.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupNorm {
    /// Number of groups, a divisor of the channels.
    pub groups: usize,
    /// `[C]`, trained: often called γ.
    pub scale: Option<ParameterId>,
    /// `[C]`, trained: often called β.
    pub shift: Option<ParameterId>,
    /// `ε ≥ 0`, added to the variance.
    pub epsilon: f64,
}

pub(super) fn output_shape(
    norm: &GroupNorm,
    node: &str,
    input: &Shape,
) -> Result<Shape, GraphError> {
    let (channels, _, _) = image(node, "group_norm", input)?;
    if norm.groups == 0 || !channels.is_multiple_of(norm.groups) {
        return Err(GraphError::InputShape {
            node: node.to_owned(),
            op: "group_norm",
            shape: input.clone(),
            needs: format!(
                "a number of channels that its {} groups divide",
                norm.groups
            ),
        });
    }
    Ok(input.clone())
}
