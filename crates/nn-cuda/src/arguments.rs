//! What kernels are given, field by field as in `kernels/*.cu`: a change here is a change there.

use cudarc::driver::DeviceRepr;

/// The values of all replicas, `stride` apart from one to the next; none where `first` is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) stride: u64,
}

impl Span {
    pub(crate) const NONE: Self = Self {
        first: 0,
        stride: 0,
    };
}

/// `struct Norm`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Norm {
    pub(crate) input: Span,
    pub(crate) lists: Span,
    pub(crate) scale: Span,
    pub(crate) shift: Span,
    pub(crate) stored: i32,
    pub(crate) per_image: i32,
    pub(crate) relu: i32,
    pub(crate) channels: i32,
}

/// `struct Partials`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Partials {
    pub(crate) values: Span,
    pub(crate) height: i32,
    pub(crate) width: i32,
    pub(crate) tile_height: i32,
    pub(crate) tile_width: i32,
    pub(crate) tiles: i32,
    pub(crate) unused: i32,
}

/// `enum Flow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Flow {
    #[default]
    None = 0,
    Write = 1,
    Accumulate = 2,
}

/// `enum Mask`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Mask {
    #[default]
    None = 0,
    Stored = 1,
    Made = 2,
}

/// `struct PassArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pass {
    pub(crate) finish: Finish,
    pub(crate) addend: Span,
    pub(crate) output: Span,
    pub(crate) stored: Span,
    pub(crate) gradient: Span,
    pub(crate) positions: i32,
    pub(crate) mask: Mask,
    pub(crate) flow: Flow,
}

/// `struct Finish`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finish {
    pub(crate) norm: Norm,
    pub(crate) partials: Partials,
    pub(crate) epsilon: Span,
    pub(crate) running_mean: Span,
    pub(crate) running_variance: Span,
    pub(crate) factors: Span,
    pub(crate) factor_row: u64,
    pub(crate) step: u64,
    pub(crate) scale_gradient: Span,
    pub(crate) shift_gradient: Span,
    pub(crate) counters: Span,
    pub(crate) momentum: f64,
    pub(crate) images: i32,
    pub(crate) positions: i32,
    pub(crate) groups: i32,
}

/// `enum SourceKind`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum SourceKind {
    #[default]
    Stored = 0,
    Normalised = 1,
    Pending = 2,
}

/// `struct Source`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Source {
    pub(crate) values: Span,
    pub(crate) norm: Norm,
    pub(crate) kind: SourceKind,
    pub(crate) positions: i32,
}

/// `struct Sizes`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    pub(crate) in_height: i32,
    pub(crate) in_width: i32,
    pub(crate) in_channels: i32,
    pub(crate) out_height: i32,
    pub(crate) out_width: i32,
    pub(crate) out_channels: i32,
    pub(crate) kernel: i32,
    pub(crate) stride: i32,
    pub(crate) padding: i32,
    pub(crate) unused: i32,
}

/// `struct ConvolutionArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Convolution {
    pub(crate) source: Source,
    pub(crate) weight: Span,
    pub(crate) bias: Span,
    pub(crate) addend: Span,
    pub(crate) target: Span,
    pub(crate) finish: Finish,
    pub(crate) stored: Span,
    pub(crate) sizes: Sizes,
    pub(crate) rows: i32,
    pub(crate) flow: Flow,
    pub(crate) mask: Mask,
    pub(crate) tiles: i32,
    pub(crate) span: i32,
    pub(crate) unused: i32,
}

/// `struct WeightGradientArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WeightGradient {
    pub(crate) input: Source,
    pub(crate) gradient: Source,
    pub(crate) parts: Span,
    pub(crate) sizes: Sizes,
    pub(crate) positions: i32,
    pub(crate) span: i32,
}

/// `struct TiledGradientArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TiledGradient {
    pub(crate) input: Source,
    pub(crate) gradient: Source,
    pub(crate) parts: Span,
    pub(crate) height: i32,
    pub(crate) width: i32,
    pub(crate) in_channels: i32,
    pub(crate) out_channels: i32,
    pub(crate) tiles: i32,
    pub(crate) span: i32,
}

/// `struct TensorGradientArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TensorGradient {
    pub(crate) input: Source,
    pub(crate) gradient: Source,
    pub(crate) parts: Span,
    pub(crate) sizes: Sizes,
    pub(crate) tiles: i32,
    pub(crate) span: i32,
}

/// `struct GradientsArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gradients {
    pub(crate) convolution: Convolution,
    pub(crate) input: Source,
    pub(crate) parts: Span,
}

/// `struct WeightTile`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WeightTile {
    pub(crate) from: u64,
    pub(crate) forward: u64,
    pub(crate) backward: u64,
    pub(crate) channels_in: i32,
    pub(crate) channels_out: i32,
    pub(crate) first_in: i32,
    pub(crate) first_out: i32,
}

/// `struct RoundedArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rounded {
    pub(crate) tiles: u64,
    pub(crate) values: Span,
    pub(crate) rounded: Span,
}

/// `struct BiasGradientArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BiasGradient {
    pub(crate) gradient: Source,
    pub(crate) parts: Span,
    pub(crate) positions: i32,
    pub(crate) span: i32,
    pub(crate) image_positions: i32,
    pub(crate) channels: i32,
}

/// `struct PointwiseArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pointwise {
    pub(crate) first: Span,
    pub(crate) second: Span,
    pub(crate) result: Span,
    pub(crate) stored: Span,
    pub(crate) gradient: Span,
    pub(crate) first_gradient: Span,
    pub(crate) second_gradient: Span,
    pub(crate) values: u64,
    pub(crate) relu: i32,
    pub(crate) first_flow: Flow,
    pub(crate) second_flow: Flow,
}

/// `struct PoolArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pool {
    pub(crate) input: Span,
    pub(crate) output: Span,
    pub(crate) gradient: Span,
    pub(crate) input_gradient: Span,
    pub(crate) sizes: Sizes,
    pub(crate) images: i32,
    pub(crate) channels: i32,
    pub(crate) flow: Flow,
}

/// `struct Sample`: an image of a batch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) image: u32,
    pub(crate) dy: i8,
    pub(crate) dx: i8,
    pub(crate) flip: u8,
    pub(crate) unused: u8,
}

/// `struct InputArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Input {
    pub(crate) pixels: u64,
    pub(crate) values: u64,
    pub(crate) samples: Span,
    pub(crate) sample_row: u64,
    pub(crate) step: u64,
    pub(crate) target: Span,
    pub(crate) height: i32,
    pub(crate) width: i32,
    pub(crate) channels: i32,
    pub(crate) stored: i32,
}

/// `struct StepResult`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StepResult {
    pub(crate) loss: f64,
    pub(crate) correct: u64,
}

/// `struct LossArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Loss {
    pub(crate) logits: Span,
    pub(crate) gradient: Span,
    pub(crate) labels: u64,
    pub(crate) samples: Span,
    pub(crate) sample_row: u64,
    pub(crate) step: u64,
    pub(crate) results: Span,
    pub(crate) images: i32,
    pub(crate) classes: i32,
    pub(crate) stored: i32,
    pub(crate) unused: i32,
}

/// `struct GroupRates`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GroupRates {
    pub(crate) rate: f32,
    pub(crate) decay: f32,
    pub(crate) coupled_decay: f32,
    pub(crate) momentum: f32,
    pub(crate) first_weight: f32,
    pub(crate) second_keep: f32,
    pub(crate) second_weight: f32,
    pub(crate) epsilon: f32,
}

/// `struct Parameter`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Parameter {
    pub(crate) first: u64,
    pub(crate) parts: u64,
    pub(crate) length: u64,
    pub(crate) count: i32,
    pub(crate) group: i32,
}

/// `struct UpdateArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Update {
    pub(crate) parameters: u64,
    pub(crate) owner: u64,
    pub(crate) first: u64,
    pub(crate) values: Span,
    pub(crate) momentum: Span,
    pub(crate) second_moment: Span,
    pub(crate) parts: Span,
    pub(crate) rates: Span,
    pub(crate) rate_row: u64,
    pub(crate) step: u64,
}

/// `struct ComparisonArguments`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) parameters: u64,
    pub(crate) a: u64,
    pub(crate) b: u64,
    pub(crate) results: u64,
}

macro_rules! device_representation {
    ($($name:ident),*) => {$(
        // SAFETY: `repr(C)`, of numbers alone, and declared in the kernels with the same fields in the same order.
        #[allow(unsafe_code)]
        unsafe impl DeviceRepr for $name {}
    )*};
}

device_representation!(
    Pass,
    Finish,
    Convolution,
    WeightGradient,
    TiledGradient,
    TensorGradient,
    Gradients,
    WeightTile,
    Rounded,
    BiasGradient,
    Pointwise,
    Pool,
    Sample,
    Input,
    StepResult,
    Loss,
    GroupRates,
    Parameter,
    Update,
    Comparison
);
