//! How a tensor lies in memory.

use nn_graph::Shape;

use crate::simd::LANES;

/// `[image][row][column][channel]`, with channels filled up to a multiple of 16.
///
/// Channels beyond the last are zero in every buffer at all times, so that whole vectors are read and written
/// everywhere. A vector of features is an image of one position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Real channels.
    pub(crate) channels: usize,
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// Channels stored: the next multiple of 16.
    pub(crate) stored: usize,
}

impl Layout {
    /// The layout of a tensor of this shape.
    pub(crate) fn new(shape: &Shape) -> Self {
        let channels = shape.channels();
        let (height, width) = match shape.image() {
            Some((_, height, width)) => (height, width),
            None => (1, 1),
        };
        Self {
            channels,
            height,
            width,
            stored: channels.next_multiple_of(LANES),
        }
    }

    /// Blocks of 16 channels.
    pub(crate) fn blocks(&self) -> usize {
        self.stored / LANES
    }

    /// Values from one row to the next.
    pub(crate) fn row(&self) -> usize {
        self.width * self.stored
    }

    /// Values of one image.
    pub(crate) fn image(&self) -> usize {
        self.height * self.row()
    }

    /// Bytes of one image, for sizes that have not been checked yet.
    pub(crate) fn bytes(&self) -> u128 {
        4 * self.stored as u128 * self.height as u128 * self.width as u128
    }

    /// Positions of one image.
    pub(crate) fn positions(&self) -> usize {
        self.height * self.width
    }

    /// Where a position's channels begin, within the image.
    pub(crate) fn offset(&self, y: usize, x: usize) -> usize {
        (y * self.width + x) * self.stored
    }
}

/// An image inside a frame of zeros, so that a convolution reads beyond its edges without a test. Only the image at
/// hand lies in memory like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framed {
    /// The image inside.
    pub(crate) inner: Layout,
    /// Zero positions above and to the left of it.
    pub(crate) before: usize,
    /// Rows and columns with those of the frame.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Framed {
    /// A frame of `before` positions above and to the left, and as many below and to the right as make it at least
    /// `rows × columns` in all.
    pub(crate) fn new(inner: Layout, before: usize, rows: usize, columns: usize) -> Self {
        Self {
            inner,
            before,
            rows: rows.max(before + inner.height),
            columns: columns.max(before + inner.width),
        }
    }

    /// The smallest frame of the same image that serves where either does.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let beyond = |frame: &Self, size: usize| size - frame.before;
        let before = self.before.max(other.before);
        let rows = beyond(self, self.rows).max(beyond(other, other.rows));
        let columns = beyond(self, self.columns).max(beyond(other, other.columns));
        Self::new(self.inner, before, before + rows, before + columns)
    }

    /// Values from one row to the next.
    pub(crate) fn row(&self) -> usize {
        self.columns * self.inner.stored
    }

    /// Values of one image with its frame.
    pub(crate) fn image(&self) -> usize {
        self.rows * self.row()
    }

    /// Bytes of one image with its frame, for sizes that have not been checked yet.
    pub(crate) fn bytes(&self) -> u128 {
        4 * self.inner.stored as u128 * self.rows as u128 * self.columns as u128
    }

    /// Where a position's channels begin. Coordinates are the image's own and may lie in the frame.
    pub(crate) fn offset(&self, y: isize, x: isize) -> usize {
        let before = self.before as isize;
        debug_assert!(y >= -before && x >= -before);
        (y + before) as usize * self.row() + (x + before) as usize * self.inner.stored
    }

    /// Makes the frame zero and calls `row(y, to)` to fill each row of the image.
    #[inline(always)]
    pub(crate) fn fill(&self, framed: &mut [f32], mut row: impl FnMut(usize, &mut [f32])) {
        let inside = self.before..self.before + self.inner.height;
        let left = self.before * self.inner.stored;
        for (y, values) in framed.chunks_exact_mut(self.row()).enumerate() {
            if inside.contains(&y) {
                values[..left].fill(0.0);
                let (image, right) = values[left..].split_at_mut(self.inner.row());
                right.fill(0.0);
                row(y - self.before, image);
            } else {
                values.fill(0.0);
            }
        }
    }
}
