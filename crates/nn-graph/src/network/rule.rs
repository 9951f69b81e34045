//! How a result follows its inputs.

/// How an operation's result responds when its inputs are multiplied by positive factors, and to terms of its
/// inputs that are constant along some axes.
///
/// The last matters since normalisation cancels such terms: the bias before a normalisation has no effect.
///
/// A small constant that keeps a norm, or a sum or mean of squares, away from 0 is an `ε` and taken as 0: one that is added
/// to it, or that [`Homogeneous`](Self::Homogeneous) has beside it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// Proportional to each of two inputs, summing over axes: convolution, linear layers, matrix products.
    Contract(Contract),
    /// Elementwise product of two inputs, which broadcast.
    Multiply,
    /// Elementwise quotient of two inputs, which broadcast.
    Divide,
    /// Elementwise sum of two inputs, which broadcast.
    Add,
    /// Elementwise difference of two inputs, which broadcast.
    Subtract,
    /// Elementwise power `numerator/denominator` of one input.
    Power {
        /// Of the exponent.
        numerator: i32,
        /// Of the exponent, positive.
        denominator: i32,
    },
    /// One input as it is: copies, casts.
    Copy,
    /// A multiple of one input, such as its negative.
    Linear,
    /// Elementwise `f` with `f(c x) = c f(x)` for `c > 0`, of one input or of several that broadcast: ReLU, the
    /// larger of two.
    Homogeneous,
    /// As [`Homogeneous`](Self::Homogeneous) in all inputs but the first, which chooses or bends: `Where`, and
    /// a ReLU with trained slopes.
    Gate,
    /// Elementwise anything: its inputs must not be scaled.
    Nonlinear,
    /// `exp(x)/Σ exp(x)` along an axis: does not see what is constant along it.
    Softmax {
        /// The axis.
        axis: usize,
    },
    /// Divides by the standard deviation, or by the root mean square.
    Normalise(Normalise),
    /// Reduces axes of one input.
    Reduce(Reduce),
    /// Windows over axes of one input: pooling, interpolation.
    Window(Window),
    /// Moves numbers of the first input; any other input says where to. One [`AxisSource`] for each axis of the
    /// result.
    Rearrange(Vec<AxisSource>),
    /// Inputs one after the other along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// Does not change when an input is multiplied by a positive factor: signs, positions of the largest.
    Insensitive,
    /// Not known: its inputs must not be scaled.
    Unknown,
}

/// [`Rule::Contract`]: `y = Σ left · right`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// What each axis of the result comes from.
    pub output: Vec<ContractAxis>,
    /// Axes of the left input that are summed over.
    pub left: Vec<usize>,
    /// Axes of the right input that are summed over.
    pub right: Vec<usize>,
}

/// Where an axis of a contraction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractAxis {
    /// An axis of the left input.
    Left(usize),
    /// An axis of the right input.
    Right(usize),
    /// An axis that both have, taken position by position.
    Both {
        /// Of the left input.
        left: usize,
        /// Of the right input.
        right: usize,
    },
    /// An axis of the left input in `groups` equal parts, each summed over, and one of the right input in as many
    /// parts: grouped convolution. With a group for each position nothing is summed over.
    Grouped {
        /// Of the left input.
        left: usize,
        /// Of the right input.
        right: usize,
        /// Number of parts.
        groups: usize,
    },
    /// Windows along an axis of the left input.
    Window {
        /// Of the left input.
        left: usize,
        /// Whether what is constant along the axis stays so: without padding, or with one that repeats.
        keeps_constants: bool,
    },
}

/// [`Rule::Normalise`]: `(x − mean)/√(variance + ε)`, `ε` taken as 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalise {
    /// The axes over which mean and variance are taken.
    pub axes: Vec<usize>,
    /// An axis over which they are taken in equal parts: group normalisation.
    pub grouped: Option<Grouped>,
    /// Whether the mean is subtracted: RMS normalisation does not.
    pub centres: bool,
}

/// An axis in equal parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouped {
    /// The axis.
    pub axis: usize,
    /// Number of parts.
    pub groups: usize,
}

/// [`Rule::Reduce`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// The axes that are reduced.
    pub axes: Vec<usize>,
    /// Whether they stay, with length 1.
    pub keeps_axes: bool,
    /// How.
    pub by: Reduction,
}

/// How axes are reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The mean: what is constant along the axes passes through as it is.
    Mean,
    /// The sum.
    Sum,
    /// Proportional to the input, such as the maximum.
    Homogeneous,
    /// A norm: proportional to the input, and positive where the input is not 0.
    Norm,
    /// The sum of squares.
    SumOfSquares,
}

/// [`Rule::Window`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The axes along which windows move.
    pub axes: Vec<usize>,
    /// Whether what is constant along these axes stays so and simply adds to the rest.
    pub keeps_constants: bool,
    /// Whether sums of inputs give sums of results: means do, maxima do not.
    pub linear: bool,
}

/// Where an axis of a rearranged tensor comes from; axes are those of the input.
///
/// A number's position along an axis of the input depends on no other axes of the result than those that name it, and on
/// no other than the one of which it is the [`Whole`](Self::Whole). An axis that none names has one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AxisSource {
    /// All of an axis, in its order.
    Whole(usize),
    /// Some positions of an axis, perhaps some of them several times, or all in another order.
    Part(usize),
    /// An axis with zeros added.
    Padded(usize),
    /// Of length 1, or repeating a single position.
    New,
    /// The outer factor of an axis that is split.
    Outer(usize),
    /// An inner factor of an axis that is split.
    Inner(usize),
    /// Several axes as one, outermost first.
    Merged(Vec<usize>),
    /// Anything made of several axes.
    Mixed(Vec<usize>),
}
