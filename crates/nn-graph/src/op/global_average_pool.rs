//! Mean over all positions of each channel.

use super::image;
use crate::{GraphError, Shape};

pub(super) fn output_shape(node: &str, input: &Shape) -> Result<Shape, GraphError> {
    let (channels, _, _) = image(node, "global_average_pool", input)?;
    Ok(Shape::new([channels]))
}
