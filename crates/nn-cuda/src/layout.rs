//! How tensors lie in memory.

use nn_graph::Shape;

/// `[row][column][channel]` of one image, channels filled up to a multiple of four with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) stored: usize,
}

/// Channels that are read at once.
pub(crate) const QUAD: usize = 4;

impl Layout {
    /// Of an image, or of features as an image of one position.
    pub(crate) fn new(shape: &Shape) -> Self {
        let (channels, height, width) = shape.image().unwrap_or((shape.channels(), 1, 1));
        Self {
            height,
            width,
            channels,
            stored: channels.next_multiple_of(QUAD),
        }
    }

    pub(crate) fn positions(&self) -> usize {
        self.height.saturating_mul(self.width)
    }

    /// Values of one image.
    pub(crate) fn image(&self) -> usize {
        self.positions().saturating_mul(self.stored)
    }
}
