//! Sum of two tensors: where the residual branch meets the stream.

use crate::{GraphError, Shape};

pub(super) fn output_shape(node: &str, left: &Shape, right: &Shape) -> Result<Shape, GraphError> {
    if left == right {
        return Ok(left.clone());
    }
    Err(GraphError::UnequalShapes {
        node: node.to_owned(),
        op: "add",
        left: left.clone(),
        right: right.clone(),
    })
}
