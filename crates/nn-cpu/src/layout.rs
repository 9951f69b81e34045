//! How a tensor lies in memory.

use nn_graph::Shape;

use crate::simd::LANES;

/// `[image][row][column][channel]`, with channels filled up to a multiple of 16 and a border of zero
/// positions, the halo, around every image.
///
/// Two invariants hold in every buffer at all times: the halo is zero (so that a padded convolution
/// reads it without a test), and channels beyond the last are zero (so that whole vectors are read
/// and written everywhere). A vector of features is an image of one position without halo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Real channels.
    pub(crate) channels: usize,
    /// Rows without halo.
    pub(crate) height: usize,
    /// Columns without halo.
    pub(crate) width: usize,
    /// Zero positions on each side.
    pub(crate) halo: usize,
    /// Channels stored: the next multiple of 16.
    pub(crate) stored: usize,
}

impl Layout {
    /// The layout of a tensor of this shape, in a network whose images have this halo.
    pub(crate) fn new(shape: &Shape, halo: usize) -> Self {
        let channels = shape.channels();
        let stored = channels.next_multiple_of(LANES);
        match shape.image() {
            Some((_, height, width)) => Self {
                channels,
                height,
                width,
                halo,
                stored,
            },
            None => Self {
                channels,
                height: 1,
                width: 1,
                halo: 0,
                stored,
            },
        }
    }

    /// Blocks of 16 channels.
    pub(crate) fn blocks(&self) -> usize {
        self.stored / LANES
    }

    /// Values from one row to the next.
    pub(crate) fn row(&self) -> usize {
        (self.width + 2 * self.halo) * self.stored
    }

    /// Values of one image.
    pub(crate) fn image(&self) -> usize {
        (self.height + 2 * self.halo) * self.row()
    }

    /// Bytes of one image, for sizes that have not been checked yet.
    pub(crate) fn bytes(&self) -> u128 {
        let around = |size: usize| size as u128 + 2 * self.halo as u128;
        4 * self.stored as u128 * around(self.height) * around(self.width)
    }

    /// Positions of one image without halo.
    pub(crate) fn positions(&self) -> usize {
        self.height * self.width
    }

    /// Where a position's channels begin, within the image. Coordinates may lie in the halo.
    pub(crate) fn offset(&self, y: isize, x: isize) -> usize {
        let halo = self.halo as isize;
        debug_assert!(y >= -halo && x >= -halo);
        ((y + halo) as usize) * self.row() + ((x + halo) as usize) * self.stored
    }

    /// The rows of one image without halo, each `width · stored` values.
    pub(crate) fn rows<'a>(&self, image: &'a [f32]) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let (halo, length) = (self.halo * self.stored, self.width * self.stored);
        let (skip, height) = (self.halo, self.height);
        image
            .chunks_exact(self.row())
            .skip(skip)
            .take(height)
            .map(move |row| &row[halo..][..length])
    }

    /// The rows of one image without halo, to change.
    pub(crate) fn rows_mut<'a>(
        &self,
        image: &'a mut [f32],
    ) -> impl Iterator<Item = &'a mut [f32]> + use<'a> {
        let (halo, length) = (self.halo * self.stored, self.width * self.stored);
        let (skip, height) = (self.halo, self.height);
        image
            .chunks_exact_mut(self.row())
            .skip(skip)
            .take(height)
            .map(move |row| &mut row[halo..][..length])
    }
}
