//! How large the numbers of a run are.

use std::fmt;

use super::RenormalisationError;
use crate::{EquivalentStep, Quantity};

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
    /// The variance of a normaliser's input.
    Variance,
}

impl Monitored {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::LearningRate,
        Self::SquaredParameterNorm,
        Self::GradientNorm,
        Self::Variance,
    ];
}

impl fmt::Display for Monitored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LearningRate => "learning rate",
            Self::SquaredParameterNorm => "squared norm of the parameters",
            Self::GradientNorm => "norm of the gradient",
            Self::Variance => "variance of a normaliser's input",
        })
    }
}

/// Bounds on the numbers of a run *with* weight decay, whose scale stays where it is.
///
/// Its twin without has, at a step with scale `A`, parameters `1/A` times as large, gradients `A` times and
/// variances of inputs of degree `x` `A^{−2x}` times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Magnitudes {
    parameter_norm: Bounds,
    gradient_norm: Bounds,
    variance: Bounds,
    input_degree: u16,
}

impl Magnitudes {
    /// Bounds on `‖θ_t‖`, on `‖g_t‖` (and the momentum buffer's norm), on the variances of normalisers'
    /// inputs, and the largest degree `x` of such an input.
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
    /// assert!(Magnitudes::new(Bounds::just(10.0), gradients, Bounds::just(1.0), 1).is_ok());
    /// assert!(Magnitudes::new(Bounds::just(0.0), gradients, Bounds::just(1.0), 1).is_err());
    /// ```
    pub fn new(
        parameter_norm: Bounds,
        gradient_norm: Bounds,
        variance: Bounds,
        input_degree: u16,
    ) -> Result<Self, RenormalisationError> {
        for (what, Bounds { smallest, largest }) in [
            (Monitored::SquaredParameterNorm, parameter_norm),
            (Monitored::GradientNorm, gradient_norm),
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
            variance,
            input_degree,
        })
    }

    /// `‖θ_t‖`.
    #[must_use]
    pub fn parameter_norm(&self) -> Bounds {
        self.parameter_norm
    }

    /// `‖g_t‖`.
    #[must_use]
    pub fn gradient_norm(&self) -> Bounds {
        self.gradient_norm
    }

    /// The logarithm of a number of the twin in a step, before and after it, if `Π^c` with `ln c = ln_factor`
    /// is applied; `None` for a rate of 0.
    pub(super) fn ln_of_twin(
        &self,
        what: Monitored,
        step: &EquivalentStep,
        ln_factor: f64,
    ) -> Option<Bounds> {
        let squared = |bounds: Bounds| Bounds {
            smallest: 2.0 * bounds.smallest,
            largest: 2.0 * bounds.largest,
        };
        let input_degree = i32::from(self.input_degree);
        let (original, weight) = match what {
            Monitored::LearningRate => {
                let update_degree = 1;
                let weight = Quantity::LearningRate { update_degree }.weight();
                let rescaled = step.ln_learning_rate + f64::from(weight) * ln_factor;
                return rescaled.is_finite().then_some(Bounds::just(rescaled));
            }
            Monitored::SquaredParameterNorm => (
                squared(self.parameter_norm.ln()),
                2 * Quantity::Parameters.weight(),
            ),
            Monitored::GradientNorm => (self.gradient_norm.ln(), Quantity::Gradient.weight()),
            Monitored::Variance => (
                self.variance.ln(),
                Quantity::RunningVariance { input_degree }.weight(),
            ),
        };
        // The twin itself is the original rescaled by 1/A.
        let moved = |ln_scale: f64| f64::from(weight) * (ln_factor - ln_scale);
        let (before, after) = (moved(step.ln_scale), moved(step.ln_scale_after));
        Some(Bounds {
            smallest: original.smallest + before.min(after),
            largest: original.largest + before.max(after),
        })
    }
}
