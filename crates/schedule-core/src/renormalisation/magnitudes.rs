//! How large the numbers of a run are.

use std::fmt;

use super::{Growth, RenormalisationError};
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
    /// `‖b̃‖`, or that of the first moment, of which only an upper bound is known: it is a sum that may cancel.
    BufferNorm,
    /// The variance of a normaliser's input.
    Variance,
    /// Adam's mean of squared gradients, of a run that has one.
    SecondMoment,
    /// The `ε` that Adam adds to its root.
    AdamEpsilon,
}

impl Monitored {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::LearningRate,
        Self::SquaredParameterNorm,
        Self::GradientNorm,
        Self::BufferNorm,
        Self::Variance,
        Self::SecondMoment,
        Self::AdamEpsilon,
    ];

    /// Whether it may become too small for its format: a rate, as at the end of a schedule that goes to 0, and an `ε`,
    /// which then is nothing beside the root that it is added to.
    pub(super) fn may_underflow(self) -> bool {
        matches!(self, Self::LearningRate | Self::AdamEpsilon)
    }
}

impl fmt::Display for Monitored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LearningRate => "learning rate",
            Self::SquaredParameterNorm => "squared norm of the parameters",
            Self::GradientNorm => "norm of the gradient",
            Self::BufferNorm => "norm of the momentum buffer",
            Self::Variance => "variance of a normaliser's input",
            Self::SecondMoment => "second moment of the gradients",
            Self::AdamEpsilon => "epsilon of Adam",
        })
    }
}

/// Bounds on the numbers of a run *with* weight decay, whose scale stays where it is.
///
/// Its twin without has, at a step with scale `A`, parameters `1/A` times as large, gradients `A` times,
/// variances of inputs of degree `x` `A^{−2x}` times, and a momentum buffer `A(b − κθ)`, which is no larger
/// than `A(‖b‖ + |κ|‖θ‖)`. Where decay is decoupled, `κ = 0` and memories have the scale of the step before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Magnitudes {
    parameter_norm: Bounds,
    gradient_norm: Bounds,
    largest_buffer_norm: f64,
    variance: Bounds,
    input_degree: u16,
    /// Of AdamW.
    moments: Option<Moments>,
}

/// What AdamW has beside.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moments {
    second_moment: Bounds,
    largest_epsilon: f64,
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
            check(what, smallest, largest)?;
        }
        Ok(Self {
            parameter_norm,
            gradient_norm,
            largest_buffer_norm,
            variance,
            input_degree,
            moments: None,
        })
    }

    /// The same of a run of AdamW, whose buffer is its first moment: with bounds on the elements of its second moments, and the
    /// largest `ε`, perhaps 0.
    ///
    /// # Errors
    /// [`RenormalisationError::Bounds`] as [`new`](Self::new), and for an `ε` that is negative or not finite.
    ///
    /// ```
    /// use schedule_core::renormalisation::{Bounds, FloatFormat, Magnitudes, Renormaliser};
    /// use schedule_core::law::decoupled::DecoupledLaw;
    ///
    /// let one = Bounds::just(1.0);
    /// let sgdw = Magnitudes::new(one, one, 1.0, one, 1)?;
    /// let adamw = sgdw.with_moments(Bounds { smallest: 1e-18, largest: 1.0 }, 1e-8)?;
    /// let first = |magnitudes, mut law: DecoupledLaw| {
    ///     let mut renormaliser = Renormaliser::new(FloatFormat::F32, magnitudes);
    ///     let mut steps = (0..).map(|_| renormaliser.before(&law.step(0.1, 0.1).unwrap()));
    ///     steps.find_map(|due| due.unwrap()).unwrap().step
    /// };
    /// // Twice as fast as the gradients, second moments fall.
    /// assert!(first(adamw, DecoupledLaw::lion()) < first(sgdw, DecoupledLaw::sgdw()));
    /// # Ok::<(), schedule_core::renormalisation::RenormalisationError>(())
    /// ```
    pub fn with_moments(
        self,
        second_moment: Bounds,
        largest_epsilon: f64,
    ) -> Result<Self, RenormalisationError> {
        let Bounds { smallest, largest } = second_moment;
        check(Monitored::SecondMoment, smallest, largest)?;
        if largest_epsilon != 0.0 {
            check(Monitored::AdamEpsilon, largest_epsilon, largest_epsilon)?;
        }
        let moments = Some(Moments {
            second_moment,
            largest_epsilon,
        });
        Ok(Self { moments, ..self })
    }

    /// The largest `‖b̃‖/A` with either of two `κ`.
    fn largest_twin_buffer(&self, step: &Growth) -> f64 {
        self.largest_buffer_norm + step.buffer_coefficient * self.parameter_norm.largest
    }

    /// The largest `‖θ̃_{t+1} − θ̃_t‖/‖θ̃_t‖`; `None` where an update is neither the buffer nor Adam's.
    pub(super) fn largest_relative_update(&self, step: &Growth) -> Option<f64> {
        let buffer = self.largest_twin_buffer(step);
        let update = match self.moments {
            // Corrections of the bias do not enlarge it while 1 − β₂ᵗ ≤ (1 − β₁ᵗ)².
            Some(moments) => buffer / moments.second_moment.smallest.sqrt(),
            None if step.degree == 1.0 => buffer,
            None => return None,
        };
        // θ̃ = θ/A_t, and the update has the kth power of the memory's scale. Of all that η is left, η/a_t if decoupled.
        let of_update = step.degree * step.ln_memory_scale[1];
        let ln_rate = step.ln_learning_rate + step.ln_scale[0] + of_update;
        Some(ln_rate.exp() * update / self.parameter_norm.smallest)
    }

    /// The `w` of "`Π^c` multiplies it by `c^w`".
    pub(super) fn weight(&self, what: Monitored, step: &Growth) -> f64 {
        let input_degree = i32::from(self.input_degree);
        f64::from(match what {
            // A law's degree may be a fraction, which that of no `Quantity` is.
            Monitored::LearningRate => return 1.0 + step.degree,
            Monitored::SquaredParameterNorm => 2 * Quantity::Parameters.weight(),
            Monitored::GradientNorm | Monitored::BufferNorm => Quantity::Gradient.weight(),
            Monitored::Variance => Quantity::RunningVariance { input_degree }.weight(),
            Monitored::SecondMoment => Quantity::SquaredGradient.weight(),
            Monitored::AdamEpsilon => Quantity::AdamEpsilon.weight(),
        })
    }

    /// The logarithm of a number of the twin in a step, before and after it; `None` for a rate or an `ε` of 0, and for what
    /// the run does not have.
    pub(super) fn ln_of_twin(&self, what: Monitored, step: &Growth) -> Option<Bounds> {
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
            Monitored::SecondMoment => self.moments?.second_moment.ln(),
            Monitored::AdamEpsilon => {
                let largest = self.moments?.largest_epsilon;
                (largest > 0.0).then_some(Bounds::just(largest).ln())?
            }
        };
        let ln_scale = match what {
            Monitored::BufferNorm | Monitored::SecondMoment => step.ln_memory_scale,
            _ => step.ln_scale,
        };
        // The twin is the original rescaled by 1/A.
        let weight = self.weight(what, step);
        let [before, after] = ln_scale.map(|ln_scale| -weight * ln_scale);
        Some(Bounds {
            smallest: original.smallest + before.min(after),
            largest: original.largest + before.max(after),
        })
    }
}

/// Bounds are positive, finite and in order.
fn check(what: Monitored, smallest: f64, largest: f64) -> Result<(), RenormalisationError> {
    if smallest > 0.0 && smallest <= largest && largest.is_finite() {
        return Ok(());
    }
    Err(RenormalisationError::Bounds {
        what,
        smallest,
        largest,
    })
}
