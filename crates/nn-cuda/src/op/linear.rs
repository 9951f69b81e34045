//! A linear layer is a convolution of images of one position with kernels of one tap.

use nn_graph::op::Linear;

use super::conv2d::Shape;
use crate::layout::Layout;

/// The convolution.
pub(super) fn shape(linear: &Linear, input: Layout, output: Layout) -> Shape {
    Shape {
        input,
        output,
        kernel: 1,
        stride: 1,
        padding: 0,
        weight: linear.weight.index(),
        bias: linear.bias.map(|id| id.index()),
        on_tensor_cores: false,
    }
}
