//! How large the numbers of a run are.

use std::fmt;

use super::RenormalisationError;
use crate::EquivalentStep;
use crate::rescaling::Quantity;

/// The smallest and the largest value of something positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The smallest value.
    pub smallest: f64,
    /// The largest value.
    pub largest: f64,
}

impl Bounds {
    /// The same value always.
    #[must_use]
    pub const fn just(value: f64) -> Self {
        Self {
            smallest: value,
            largest: value,
        }
    }

    pub(super) fn ln(self) -> Self {
        Self {
            smallest: self.smallest.ln(),
            largest: self.largest.ln(),
        }
    }
}

/// A number of the run without weight decay that may leave its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Monitored {
    /// `η̃`.
    LearningRate,
    /// `‖θ̃‖²`, as weight normalisation and diagnostics form it.
    SquaredParameterNorm,
    /// `‖g̃‖`.
    GradientNorm,
    /// `‖b̃‖`, of which only an upper bound is known: it is a sum that may cancel.
    BufferNorm,
    /// The variance of a normaliser's input.
    Variance,
}

impl Monitored {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::LearningRate,
        Self::SquaredParameterNorm,
        Self::GradientNorm,
        Self::BufferNorm,
        Self::Variance,
    ];
}

impl fmt::Display for Monitored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LearningRate => "learning rate",
            Self::SquaredParameterNorm => "squared norm of the parameters",
            Self::GradientNorm => "norm of the gradient",
            Self::BufferNorm => "norm of the momentum buffer",
            Self::Variance => "variance of a normaliser's input",
        })
    }
}

/// Bounds on the numbers of a run *with* weight decay, whose scale stays where it is.
///
/// Its twin without has, at a step with scale `A`, parameters `1/A` times as large, gradients `A` times,
/// variances of inputs of degree `x` `A^{−2x}` times, and a momentum buffer `A(b − κθ)`, which is no larger
/// than `A(‖b‖ + |κ|‖θ‖)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Magnitudes {
    parameter_norm: Bounds,
    gradient_norm: Bounds,
    largest_buffer_norm: f64,
    variance: Bounds,
    input_degree: u16,
}

impl Magnitudes {
    /// Bounds on `‖θ_t‖` and on `‖g_t‖`, the largest `‖b_t‖`, bounds on the variances of normalisers' inputs,
    /// and the largest degree `x` of such an input.
    ///
    /// Of a buffer that starts at zero, `‖b_t‖` is at most `(‖g‖ + λ‖θ‖)/(1−γ)` of the largest values.
    ///
    /// The lower bounds decide when digits are lost to underflow: where that matters for single elements,
    /// give them for elements.
    ///
    /// # Errors
    /// [`RenormalisationError::Bounds`] for bounds that are not positive, finite and in order.
    ///
    /// ```
    /// use schedule_core::renormalisation::{Bounds, Magnitudes};
    ///
    /// let gradients = Bounds { smallest: 1e-3, largest: 10.0 };
    /// let one = Bounds::just(1.0);
    /// assert!(Magnitudes::new(Bounds::just(10.0), gradients, 100.0, one, 1).is_ok());
    /// assert!(Magnitudes::new(Bounds::just(0.0), gradients, 100.0, one, 1).is_err());
    /// ```
    pub fn new(
        parameter_norm: Bounds,
        gradient_norm: Bounds,
        largest_buffer_norm: f64,
        variance: Bounds,
        input_degree: u16,
    ) -> Result<Self, RenormalisationError> {
        for (what, Bounds { smallest, largest }) in [
            (Monitored::SquaredParameterNorm, parameter_norm),
            (Monitored::GradientNorm, gradient_norm),
            (Monitored::BufferNorm, Bounds::just(largest_buffer_norm)),
            (Monitored::Variance, variance),
        ] {
            if !(smallest > 0.0 && smallest <= largest && largest.is_finite()) {
                return Err(RenormalisationError::Bounds {
                    what,
                    smallest,
                    largest,
                });
            }
        }
        Ok(Self {
            parameter_norm,
            gradient_norm,
            largest_buffer_norm,
            variance,
            input_degree,
        })
    }

    /// The largest `‖b̃‖/A` with either of two `κ`.
    fn largest_twin_buffer(&self, step: &EquivalentStep) -> f64 {
        let before = step.buffer_coefficient.abs();
        let coefficient = before.max(step.buffer_coefficient_after.abs());
        self.largest_buffer_norm + coefficient * self.parameter_norm.largest
    }

    /// The largest `‖θ̃_{t+1} − θ̃_t‖/‖θ̃_t‖`.
    pub(super) fn largest_relative_update(&self, step: &EquivalentStep) -> f64 {
        // Of the twin's rate and its parameters and buffer relative to the original's, η is left.
        let ln_rate = step.ln_learning_rate + step.ln_scale + step.ln_scale_after;
        ln_rate.exp() * self.largest_twin_buffer(step) / self.parameter_norm.smallest
    }

    /// The `w` of "`Π^c` multiplies it by `c^w`".
    pub(super) fn weight(&self, what: Monitored) -> i32 {
        let (update_degree, input_degree) = (1, i32::from(self.input_degree));
        match what {
            Monitored::LearningRate => Quantity::LearningRate { update_degree }.weight(),
            Monitored::SquaredParameterNorm => 2 * Quantity::Parameters.weight(),
            Monitored::GradientNorm | Monitored::BufferNorm => Quantity::Gradient.weight(),
            Monitored::Variance => Quantity::RunningVariance { input_degree }.weight(),
        }
    }

    /// The logarithm of a number of the twin in a step, before and after it; `None` for a rate of 0.
    pub(super) fn ln_of_twin(&self, what: Monitored, step: &EquivalentStep) -> Option<Bounds> {
        let original = match what {
            Monitored::LearningRate => {
                let ln_rate = step.ln_learning_rate;
                return ln_rate.is_finite().then_some(Bounds::just(ln_rate));
            }
            Monitored::SquaredParameterNorm => {
                let Bounds { smallest, largest } = self.parameter_norm.ln();
                Bounds {
                    smallest: 2.0 * smallest,
                    largest: 2.0 * largest,
                }
            }
            Monitored::GradientNorm => self.gradient_norm.ln(),
            Monitored::BufferNorm => Bounds::just(self.largest_twin_buffer(step)).ln(),
            Monitored::Variance => self.variance.ln(),
        };
        // The twin is the original rescaled by 1/A.
        let weight = f64::from(self.weight(what));
        let (before, after) = (-weight * step.ln_scale, -weight * step.ln_scale_after);
        Some(Bounds {
            smallest: original.smallest + before.min(after),
            largest: original.largest + before.max(after),
        })
    }
}
