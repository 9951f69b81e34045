//! The rescaling group `Π^c`: the freedom that a scale-invariant loss leaves.
//!
//! [`Rescaling`] changes the scale of a whole run without changing what it learns; [`Quantity`] says by which power.

use crate::Hyperparameters;
use crate::field::Field;
use crate::optimiser::SgdState;

/// A quantity of a run, which `Π^c` multiplies by a power of `c`.
///
/// The *degree* of a normaliser's input is that of its homogeneity in the parameters: 1 for a
/// convolution on normalised input, 2 for a convolution after a trained affine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Quantity {
    /// The parameters `θ`, and averages of them: `c`.
    Parameters,
    /// The gradient and means of it, such as a momentum buffer `b` or Adam's `m`: `c⁻¹`.
    Gradient,
    /// Means of the squared gradient, such as Adam's `v`: `c⁻²`.
    SquaredGradient,
    /// The learning rate `η` of an update of degree `k` in the gradients: `c^{1+k}`. `k` is 1 for SGD in any
    /// form, 0 for Adam, Lion and Muon.
    LearningRate {
        /// `k`.
        update_degree: i32,
    },
    /// The weight decay `λ` that goes with it, coupled or decoupled: `c^{−(1+k)}`.
    WeightDecay {
        /// `k`.
        update_degree: i32,
    },
    /// The `ε` that Adam adds to `√v`: `c⁻¹`.
    AdamEpsilon,
    /// The largest norm that clipping leaves a gradient, or the largest value: `c⁻¹`.
    ClippingThreshold,
    /// The `ε` that a normaliser adds to the variance of an input of degree `x`: `c^{2x}`.
    NormaliserEpsilon {
        /// `x`.
        input_degree: i32,
    },
    /// A normaliser's running mean of an input of degree `x`: `cˣ`.
    RunningMean {
        /// `x`.
        input_degree: i32,
    },
    /// A normaliser's running variance of an input of degree `x`: `c^{2x}`.
    RunningVariance {
        /// `x`.
        input_degree: i32,
    },
}

impl Quantity {
    /// The `w` in "`Π^c` multiplies it by `c^w`".
    #[must_use]
    pub const fn weight(self) -> i32 {
        match self {
            Self::Parameters => 1,
            Self::Gradient | Self::AdamEpsilon | Self::ClippingThreshold => -1,
            Self::SquaredGradient => -2,
            Self::LearningRate { update_degree } => update_degree.saturating_add(1),
            Self::WeightDecay { update_degree } => update_degree.saturating_add(1).saturating_neg(),
            Self::RunningMean { input_degree } => input_degree,
            Self::NormaliserEpsilon { input_degree } | Self::RunningVariance { input_degree } => {
                input_degree.saturating_mul(2)
            }
        }
    }
}

/// `Π^c`, a change of scale that takes each run on a scale-invariant loss to another one, `c > 0`:
/// ```text
/// θ → cθ    b → b/c    η → c²η    λ → λ/c²    γ → γ
/// ```
/// and every other [quantity](Quantity) by its own power of `c`. Since `L(cθ) = L(θ)` and
/// `∇L(cθ) = ∇L(θ)/c`, it commutes with the step of the optimiser: to rescale and then to step is
/// to step and then to rescale. `Π^c Π^d = Π^{cd}`: the `Π^c` are a group (new here, after the maps of Li & Arora,
/// arXiv:1910.07454, that leave the momentum buffer as it is).
///
/// With `c` a power of two and nothing that leaves the range of normal numbers, it is exact, bit for
/// bit: multiplying by `2ᵏ` commutes with every rounding.
///
/// The sign of the convention: the run that is converted to one without weight decay has
/// `θ̃_t = θ_t/A_t`, so its scale is that of `Π^c` with `c = 1/A_t`, which grows.
///
/// ```
/// use schedule_core::rescaling::Rescaling;
/// use schedule_core::Hyperparameters;
/// use schedule_core::optimiser::SgdState;
///
/// let quarter = Rescaling::power_of_two(-2)?;
/// let with = Hyperparameters { learning_rate: 0.5, weight_decay: 0.25, momentum: 0.9 };
/// let rescaled = quarter.hyperparameters(&with);
/// assert_eq!((rescaled.learning_rate, rescaled.weight_decay), (0.03125, 4.0));
///
/// let start = SgdState { parameters: vec![1.0, 2.0], buffer: vec![0.5, -0.5] };
/// let gradient = |p: &[f64]| {
///     let square = p[0] * p[0] + p[1] * p[1];
///     vec![p[1] / square, -p[0] / square]
/// };
/// let stepped_first = quarter.state(&start.stepped(gradient, with));
/// assert_eq!(stepped_first, quarter.state(&start).stepped(gradient, rescaled));
/// # Ok::<(), schedule_core::rescaling::RescalingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescaling<F = f64> {
    factor: F,
    inverse: F,
}

/// A rescaling that numbers of type `F` cannot express.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RescalingError<F = f64> {
    /// The factor is 0, negative or NaN.
    #[error(
        "the factor of a rescaling is {factor:?}, but a scale-invariant loss only allows parameters to be \
         multiplied by a positive number; give a factor above 0"
    )]
    NotPositive {
        /// `c`.
        factor: F,
    },
    /// The factor or its inverse is infinite, or rounds to 0.
    #[error(
        "the factor of a rescaling, {factor:?}, or its inverse leaves the range of its numbers; \
         rescale in several steps, or compute with numbers of a wider range"
    )]
    OutOfRange {
        /// `c`.
        factor: F,
    },
    /// The same for a power of two.
    #[error(
        "2^{exponent} or its inverse leaves the range of the numbers that are to be rescaled by it; \
         rescale in several steps, or compute with numbers of a wider range"
    )]
    PowerOutOfRange {
        /// `k` of `2ᵏ`.
        exponent: i64,
    },
    /// The product of two factors, or its inverse, is infinite or rounds to 0.
    #[error(
        "the rescaling by {first:?} and then {second:?} is by a number that leaves the range, or whose \
         inverse does; apply them one after the other"
    )]
    ProductOutOfRange {
        /// The factor of the first.
        first: F,
        /// The factor of the second.
        second: F,
    },
}

impl<F: Field> Rescaling<F> {
    /// `Π^c`, `c > 0`: only for those `L(cθ) = L(θ)`. In a field without an order, `c ≠ 0`.
    ///
    /// # Errors
    /// [`RescalingError::NotPositive`], [`RescalingError::OutOfRange`].
    ///
    /// ```
    /// use schedule_core::rescaling::Rescaling;
    /// assert!(Rescaling::new(1.5).is_ok());
    /// assert!(Rescaling::new(0.0).is_err() && Rescaling::new(-2.0).is_err());
    /// // Its inverse is no float64.
    /// assert!(Rescaling::new(f64::from_bits(1)).is_err());
    /// ```
    pub fn new(factor: F) -> Result<Self, RescalingError<F>> {
        if !factor.is_positive() {
            return Err(RescalingError::NotPositive { factor });
        }
        Self::checked(factor, F::ONE / factor).ok_or(RescalingError::OutOfRange { factor })
    }

    /// `Π¹`, which changes nothing.
    #[must_use]
    pub fn identity() -> Self {
        Self {
            factor: F::ONE,
            inverse: F::ONE,
        }
    }

    /// `Π^{2ᵏ}`, exact in floating point.
    ///
    /// # Errors
    /// [`RescalingError::PowerOutOfRange`] where `2ᵏ` or `2⁻ᵏ` is no number of the type: beyond ±1023 for
    /// `f64`, ±127 for `f32`.
    ///
    /// ```
    /// use schedule_core::rescaling::Rescaling;
    /// assert!(Rescaling::<f32>::power_of_two(127).is_ok());
    /// assert!(Rescaling::<f32>::power_of_two(128).is_err());
    /// ```
    pub fn power_of_two(exponent: i64) -> Result<Self, RescalingError<F>> {
        let two = F::ONE + F::ONE;
        let up = power(two, exponent.unsigned_abs());
        let down = power(F::ONE / two, exponent.unsigned_abs());
        let (factor, inverse) = if exponent < 0 { (down, up) } else { (up, down) };
        Self::checked(factor, inverse).ok_or(RescalingError::PowerOutOfRange { exponent })
    }

    /// The only way to a pair of numbers: both are finite and none is 0.
    fn checked(factor: F, inverse: F) -> Option<Self> {
        let is_number = |x: F| x.is_positive() && x * F::ZERO == F::ZERO;
        (is_number(factor) && is_number(inverse)).then_some(Self { factor, inverse })
    }

    /// `c`.
    #[must_use]
    pub fn factor(&self) -> F {
        self.factor
    }

    /// `Π^{cd}`, from `Π^c` first and then `Π^d`; the order does not matter.
    ///
    /// # Errors
    /// [`RescalingError::ProductOutOfRange`].
    ///
    /// ```
    /// use schedule_core::rescaling::Rescaling;
    /// let huge = Rescaling::new(1e200)?;
    /// assert!(huge.then(&huge).is_err());
    /// assert_eq!(huge.then(&huge.inverse())?.factor(), 1.0);
    /// # Ok::<(), schedule_core::rescaling::RescalingError>(())
    /// ```
    pub fn then(&self, other: &Self) -> Result<Self, RescalingError<F>> {
        Self::checked(self.factor * other.factor, self.inverse * other.inverse).ok_or(
            RescalingError::ProductOutOfRange {
                first: self.factor,
                second: other.factor,
            },
        )
    }

    /// `Π^{1/c}`.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            factor: self.inverse,
            inverse: self.factor,
        }
    }

    /// A quantity of the rescaled run, `c^w` times that of the original.
    ///
    /// It is multiplied by `c` or `1/c` as often as its [weight](Quantity::weight) says, so that everything on
    /// the way lies between the value and the result: `c^w` may leave the range where neither of
    /// them does.
    ///
    /// ```
    /// use schedule_core::rescaling::{Quantity, Rescaling};
    ///
    /// let double = Rescaling::power_of_two(1)?;
    /// // AdamW: m → m/c, v → v/c², ε → ε/c, η → cη, λ → λ/c.
    /// assert_eq!(double.apply(Quantity::SquaredGradient, 1.0), 0.25);
    /// assert_eq!(double.apply(Quantity::LearningRate { update_degree: 0 }, 1.0), 2.0);
    /// // A normaliser after a trained affine, and one whose c⁴ = 2⁻¹⁵⁶ is no float32.
    /// let variance = Quantity::RunningVariance { input_degree: 2 };
    /// assert_eq!(double.apply(variance, 1.0), 16.0);
    /// let down = Rescaling::<f32>::power_of_two(-39).unwrap();
    /// assert_eq!(down.apply(variance, 2f32.powi(127)), 2f32.powi(-29));
    /// # Ok::<(), schedule_core::rescaling::RescalingError>(())
    /// ```
    #[must_use]
    pub fn apply(&self, quantity: Quantity, value: F) -> F {
        let weight = quantity.weight();
        let base = if weight < 0 {
            self.inverse
        } else {
            self.factor
        };
        let mut result = value;
        for _ in 0..weight.unsigned_abs() {
            let next = result * base;
            // Multiplying again does nothing more to 0, or by 1, nor to what is infinite or NaN.
            if next == result || next * F::ZERO != F::ZERO {
                return next;
            }
            result = next;
        }
        result
    }

    /// The state of the rescaled run of SGD: `cθ`, `b/c`.
    #[must_use]
    pub fn state(&self, state: &SgdState<F>) -> SgdState<F> {
        let map = |quantity, values: &[F]| {
            let rescaled = values.iter().map(|&x| self.apply(quantity, x));
            rescaled.collect()
        };
        SgdState {
            parameters: map(Quantity::Parameters, &state.parameters),
            buffer: map(Quantity::Gradient, &state.buffer),
        }
    }

    /// The hyperparameters of the rescaled run of SGD: `c²η`, `λ/c²`, `γ`.
    #[must_use]
    pub fn hyperparameters(&self, with: &Hyperparameters<F>) -> Hyperparameters<F> {
        let update_degree = 1;
        Hyperparameters {
            learning_rate: self.apply(Quantity::LearningRate { update_degree }, with.learning_rate),
            weight_decay: self.apply(Quantity::WeightDecay { update_degree }, with.weight_decay),
            momentum: with.momentum,
        }
    }
}

/// `base^exponent` by squaring.
fn power<F: Field>(base: F, mut exponent: u64) -> F {
    let (mut result, mut square) = (F::ONE, base);
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = result * square;
        }
        square = square * square;
        exponent /= 2;
    }
    result
}
