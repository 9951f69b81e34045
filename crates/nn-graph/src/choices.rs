//! What the [builder](crate::GraphBuilder) lets one choose.

/// Which trained parameters a normalisation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Affine {
    /// None: the output has mean 0 and variance 1.
    #[default]
    None,
    /// A trained scale (from 1) and shift (from 0) per channel.
    ScaleAndShift,
}

/// Whether a layer has a trained bias (from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Bias {
    /// No bias.
    #[default]
    None,
    /// One per output channel.
    Trained,
}

/// Whether the optimiser changes a layer's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Training {
    /// Changed at every step.
    #[default]
    Trained,
    /// Kept at its initial value.
    Fixed,
}

/// Size of a convolution for [`GraphBuilder::conv2d`](crate::GraphBuilder::conv2d).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSpec {
    /// Output channels.
    pub channels: usize,
    /// Height and width of the kernel.
    pub kernel: usize,
    /// Distance between neighbouring outputs in input positions.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// Bias or none.
    pub bias: Bias,
}
