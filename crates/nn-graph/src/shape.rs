//! Shapes of one image's tensors.

use std::fmt;

/// The shape of a tensor belonging to *one* image: `[C, H, W]` or `[features]`.
///
/// ```
/// use nn_graph::Shape;
/// let image = Shape::new([3, 32, 32]);
/// assert_eq!(image.elements(), 3072);
/// assert_eq!(image.to_string(), "[3, 32, 32]");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape from its dimensions, outermost first.
    pub fn new(dims: impl Into<Vec<usize>>) -> Self {
        Self(dims.into())
    }

    /// The dimensions, outermost first.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// The number of elements of one image's tensor (saturating).
    pub fn elements(&self) -> usize {
        self.0
            .iter()
            .fold(1, |product, &dim| product.saturating_mul(dim))
    }

    /// The first dimension: channels of an image, or features; 0 for a rank-0 shape.
    pub fn channels(&self) -> usize {
        self.0.first().copied().unwrap_or(0)
    }

    /// `(C, H, W)` when the tensor is an image.
    pub fn image(&self) -> Option<(usize, usize, usize)> {
        match self.0[..] {
            [channels, height, width] => Some((channels, height, width)),
            _ => None,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
