//! The operations, one file each: what it is, and its shape rule.
//!
//! Every crate that treats operations has a file of the same name for each of them: the loop nest in `nn-reference`,
//! the kernel in `nn-cpu`. How they scale is in one place for all, `network/from_graph.rs`.

mod add;
mod batch_norm;
mod conv2d;
mod global_average_pool;
mod group_norm;
mod linear;
mod max_pool;
mod relu;
mod zero_pad_shortcut;

pub use batch_norm::BatchNorm;
pub use conv2d::Conv2d;
pub use group_norm::GroupNorm;
pub use linear::Linear;
pub use max_pool::MaxPool;
pub use zero_pad_shortcut::ZeroPadShortcut;

use crate::{GraphError, Parameter, ParameterId, Shape};

/// An operation. Shapes are those of one image.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// The images, normalised per channel: no inputs.
    Input,
    /// Two-dimensional cross-correlation, `[C, H, W] → [out, H', W']`.
    Conv2d(Conv2d),
    /// `W x + b`, `[in] → [out]`.
    Linear(Linear),
    /// Batch normalisation over images and positions, `[C, H, W] → [C, H, W]`.
    BatchNorm(BatchNorm),
    /// Normalisation of each image over groups of channels and positions, `[C, H, W] → [C, H, W]`: group, layer and
    /// instance normalisation.
    GroupNorm(GroupNorm),
    /// `max(x, 0)`, elementwise.
    Relu,
    /// Sum of two tensors of equal shape.
    Add,
    /// Mean over positions, `[C, H, W] → [C]`.
    GlobalAveragePool,
    /// Maximum over windows, `[C, H, W] → [C, H', W']`.
    MaxPool(MaxPool),
    /// Parameter-free downsampling shortcut, `[C, H, W] → [channels, ⌈H/s⌉, ⌈W/s⌉]`.
    ZeroPadShortcut(ZeroPadShortcut),
}

impl Op {
    /// Names of all operations, as their files are named in each crate.
    pub const NAMES: [&'static str; 9] = [
        "conv2d",
        "linear",
        "batch_norm",
        "group_norm",
        "relu",
        "add",
        "global_average_pool",
        "max_pool",
        "zero_pad_shortcut",
    ];

    /// Name of the operation, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::Conv2d(_) => "conv2d",
            Op::Linear(_) => "linear",
            Op::BatchNorm(_) => "batch_norm",
            Op::GroupNorm(_) => "group_norm",
            Op::Relu => "relu",
            Op::Add => "add",
            Op::GlobalAveragePool => "global_average_pool",
            Op::MaxPool(_) => "max_pool",
            Op::ZeroPadShortcut(_) => "zero_pad_shortcut",
        }
    }

    /// Number of tensors it reads.
    pub fn arity(&self) -> usize {
        match self {
            Op::Input => 0,
            Op::Add => 2,
            _ => 1,
        }
    }

    /// The parameters it reads: weight before bias, scale before shift.
    pub fn parameters(&self) -> Vec<ParameterId> {
        match self {
            Op::Conv2d(conv) => [Some(conv.weight), conv.bias]
                .into_iter()
                .flatten()
                .collect(),
            Op::Linear(linear) => [Some(linear.weight), linear.bias]
                .into_iter()
                .flatten()
                .collect(),
            Op::BatchNorm(norm) => [norm.scale, norm.shift].into_iter().flatten().collect(),
            Op::GroupNorm(norm) => [norm.scale, norm.shift].into_iter().flatten().collect(),
            _ => Vec::new(),
        }
    }

    /// The shape of the result for one image.
    ///
    /// # Errors
    /// [`GraphError::InputShape`] or [`GraphError::UnequalShapes`], naming `node`.
    pub(crate) fn output_shape(
        &self,
        node: &str,
        inputs: &[&Shape],
        parameters: &[Parameter],
    ) -> Result<Shape, GraphError> {
        match (self, inputs) {
            (Op::Conv2d(conv), [x]) => conv2d::output_shape(conv, node, x, parameters),
            (Op::Linear(linear), [x]) => linear::output_shape(linear, node, x, parameters),
            (Op::BatchNorm(_), [x]) => batch_norm::output_shape(node, x),
            (Op::GroupNorm(norm), [x]) => group_norm::output_shape(norm, node, x),
            (Op::Relu, [x]) => Ok(relu::output_shape(x)),
            (Op::Add, [a, b]) => add::output_shape(node, a, b),
            (Op::GlobalAveragePool, [x]) => global_average_pool::output_shape(node, x),
            (Op::MaxPool(pool), [x]) => max_pool::output_shape(pool, node, x),
            (Op::ZeroPadShortcut(shortcut), [x]) => {
                zero_pad_shortcut::output_shape(shortcut, node, x)
            }
            _ => Err(GraphError::Contradiction(format!(
                "`{node}` ({}) reads {} tensors; it takes {}",
                self.name(),
                inputs.len(),
                self.arity()
            ))),
        }
    }

    /// Multiply-adds of one image's forward pass, given the result's shape.
    pub fn multiply_adds(&self, parameters: &[Parameter], result: &Shape) -> usize {
        let weights = |id: ParameterId| parameters[id.index()].elements();
        match self {
            Op::Conv2d(conv) => weights(conv.weight) * result.elements() / result.channels().max(1),
            Op::Linear(linear) => weights(linear.weight),
            _ => 0,
        }
    }
}

/// The error of an operation that needs an image and got something else.
fn needs_image(node: &str, op: &'static str, shape: &Shape) -> GraphError {
    GraphError::InputShape {
        node: node.to_owned(),
        op,
        shape: shape.clone(),
        needs: "an image, [C, H, W] with every dimension at least 1".to_owned(),
    }
}

/// `(C, H, W)` of a non-empty image.
fn image(node: &str, op: &'static str, shape: &Shape) -> Result<(usize, usize, usize), GraphError> {
    shape
        .image()
        .filter(|_| shape.elements() > 0)
        .ok_or_else(|| needs_image(node, op, shape))
}

/// Windows along an axis of this length; `None` if not one fits.
fn windows(size: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    let padded = size.checked_add(padding.checked_mul(2)?)?;
    Some(padded.checked_sub(kernel)? / stride + 1)
}

/// The error of an operation whose windows do not fit into its input.
fn too_small(
    node: &str,
    op: &'static str,
    shape: &Shape,
    kernel: usize,
    padding: usize,
) -> GraphError {
    GraphError::InputShape {
        node: node.to_owned(),
        op,
        shape: shape.clone(),
        needs: format!("at least {kernel}×{kernel} positions after padding by {padding}"),
    }
}
