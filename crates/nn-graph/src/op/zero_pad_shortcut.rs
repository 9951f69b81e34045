//! Parameter-free downsampling shortcut: "option A" of He et al. (2016a), §4.2.

use super::image;
use crate::{GraphError, Shape};

/// Takes every `stride`-th position and appends channels of zeros:
/// `y[c, i, j] = x[c, s·i, s·j]` for `c < C`, and 0 for `C ≤ c < channels`.
#[derive(Clone, Debug, PartialEq)]
pub struct ZeroPadShortcut {
    /// `s`, at least 1.
    pub stride: usize,
    /// Channels of the result, at least those of the input.
    pub channels: usize,
}

pub(super) fn output_shape(
    shortcut: &ZeroPadShortcut,
    node: &str,
    input: &Shape,
) -> Result<Shape, GraphError> {
    let (channels, height, width) = image(node, "zero_pad_shortcut", input)?;
    if channels > shortcut.channels {
        return Err(GraphError::InputShape {
            node: node.to_owned(),
            op: "zero_pad_shortcut",
            shape: input.clone(),
            needs: format!("at most the {} channels it gives", shortcut.channels),
        });
    }
    let (height, width) = (
        height.div_ceil(shortcut.stride),
        width.div_ceil(shortcut.stride),
    );
    Ok(Shape::new([shortcut.channels, height, width]))
}
