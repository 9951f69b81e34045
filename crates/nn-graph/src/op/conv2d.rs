//! Two-dimensional convolution.

use super::image;
use crate::{GraphError, Parameter, ParameterId, Shape};

/// Cross-correlation with square kernels and zero padding:
/// `y[o, i, j] = b[o] + Σ_{c,u,v} w[o, c, u, v] · x[c, s·i + u − p, s·j + v − p]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    /// `[out, in, kernel, kernel]`.
    pub weight: ParameterId,
    /// `[out]`.
    pub bias: Option<ParameterId>,
    /// `s`: distance between neighbouring outputs, in input positions, at least 1.
    pub stride: usize,
    /// `p`: zeros added on each side.
    pub padding: usize,
}

pub(super) fn output_shape(
    conv: &Conv2d,
    node: &str,
    input: &Shape,
    parameters: &[Parameter],
) -> Result<Shape, GraphError> {
    let (channels, height, width) = image(node, "conv2d", input)?;
    let refused = |needs: String| GraphError::InputShape {
        node: node.to_owned(),
        op: "conv2d",
        shape: input.clone(),
        needs,
    };
    let weight = &parameters[conv.weight.index()].shape;
    let [out, fan, kernel, _] = weight[..] else {
        return Err(refused(format!("a weight [out, in, k, k], not {weight:?}")));
    };
    if fan != channels {
        return Err(refused(format!("{fan} channels, as its weight has")));
    }
    let extent = |size| super::windows(size, kernel, conv.stride, conv.padding);
    match (extent(height), extent(width)) {
        (Some(height), Some(width)) => Ok(Shape::new([out, height, width])),
        _ => Err(super::too_small(
            node,
            "conv2d",
            input,
            kernel,
            conv.padding,
        )),
    }
}
