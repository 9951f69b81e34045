//! How tensors lie in memory.

use nn_engine::Products;
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

/// Words of a quad of factors as tensor cores multiply them: two factors to a word in bf16.
pub(crate) fn quad_words(products: Products) -> usize {
    match products {
        Products::Full | Products::Tf32x3 | Products::Tf32 => QUAD,
        Products::Bf16 => QUAD / 2,
    }
}

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

/// How the positions of an image are cut into tiles; those at its right and lower edge may have fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tiling {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) tile_height: usize,
    pub(crate) tile_width: usize,
    /// Tiles of positions that are so far apart in both directions (of a class), instead of neighbours; 1 for those.
    pub(crate) stride: usize,
    /// Whether all positions of a class are taken as one row.
    pub(crate) joined: bool,
}

impl Tiling {
    /// Of an image, in tiles of so many rows and columns of positions that are `stride` apart.
    pub(crate) fn of(layout: Layout, [tile_height, tile_width]: [usize; 2], stride: usize) -> Self {
        Self {
            height: layout.height,
            width: layout.width,
            tile_height,
            tile_width,
            stride,
            joined: false,
        }
    }

    /// Of an image whose positions are taken as one row.
    pub(crate) fn flat(layout: Layout, tile: usize) -> Self {
        Self {
            height: 1,
            width: layout.positions(),
            tile_height: 1,
            tile_width: tile,
            stride: 1,
            joined: true,
        }
    }

    /// Of an image whose positions that are `stride` apart are taken together.
    pub(crate) fn strided(layout: Layout, tile: usize, stride: usize) -> Self {
        if stride == 1 {
            return Self::flat(layout, tile);
        }
        Self {
            height: layout.height,
            width: layout.width,
            tile_height: 1,
            tile_width: tile,
            stride,
            joined: true,
        }
    }

    /// Tiles of an image.
    pub(crate) fn tiles(&self) -> usize {
        let every = |length: usize, first: usize| (length - first).div_ceil(self.stride);
        let of_class = |y: usize, x: usize| {
            let (height, width) = (every(self.height, y), every(self.width, x));
            match self.joined {
                true => (height * width).div_ceil(self.tile_width),
                false => height.div_ceil(self.tile_height) * width.div_ceil(self.tile_width),
            }
        };
        let rows = 0..self.height.min(self.stride);
        let classes = rows.flat_map(|y| (0..self.width.min(self.stride)).map(move |x| (y, x)));
        classes.map(|(y, x)| of_class(y, x)).sum()
    }
}
