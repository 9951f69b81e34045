//! Keeping the run in range.

use std::f64::consts::LN_2;

use super::range::departure;
use super::{FloatFormat, Magnitudes, Monitored, RenormalisationError};
use crate::field::Field;
use crate::{EquivalentStep, Rescaling, RescalingError};

/// A change of scale that is due before a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Renormalisation {
    /// The step.
    pub step: u64,
    /// `k`: the state is rescaled by `2⁻ᵏ`.
    pub exponent: i64,
    /// `K`, the sum of all exponents so far, this one included.
    pub total: i64,
}

impl Renormalisation {
    /// `Π^c` with `c = 2⁻ᵏ`, to be applied to the state: parameters, buffer, running statistics and
    /// whatever else is a [`Quantity`](crate::Quantity).
    ///
    /// # Errors
    /// [`RescalingError::PowerOutOfRange`].
    pub fn rescaling<F: Field>(&self) -> Result<Rescaling<F>, RescalingError<F>> {
        Rescaling::power_of_two(self.exponent.saturating_neg())
    }
}

/// Says when a run without weight decay must be rescaled, and by which power of two, so that all its
/// numbers stay among the normal ones of a float format.
///
/// It waits until something would leave the format, and then goes back to the scale of the run with
/// weight decay, to the nearest power of two. Since rescaling by a power of two is
/// [exact](Rescaling), the renormalised run is the plain run bit for bit as long as that one is
/// finite, and then goes on.
///
/// ```
/// use schedule_core::renormalisation::{Bounds, FloatFormat, Magnitudes, Renormaliser};
/// use schedule_core::{ExactLaw, Recipe, Schedule};
///
/// let constant = Schedule::constant;
/// let recipe = Recipe::new(constant(0.1)?, constant(5e-4)?, constant(0.9)?)?;
/// let one = Bounds::just(1.0);
/// let mut renormaliser = Renormaliser::new(FloatFormat::F32, Magnitudes::new(one, one, one, 2)?);
/// let mut due = Vec::new();
/// for step in ExactLaw::new().steps(&recipe).take(100_000) {
///     let step = step?;
///     due.extend(renormaliser.before(&step)?);
///     assert!(renormaliser.learning_rate(&step) < 1e30);
/// }
/// let due = due.iter().map(|due| (due.step, due.exponent)).collect::<Vec<_>>();
/// assert_eq!(due, [(44_158, 32), (88_308, 32)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Renormaliser {
    format: FloatFormat,
    magnitudes: Magnitudes,
    total: i64,
}

impl Renormaliser {
    /// For a run that has not been rescaled so far.
    #[must_use]
    pub fn new(format: FloatFormat, magnitudes: Magnitudes) -> Self {
        Self {
            format,
            magnitudes,
            total: 0,
        }
    }

    /// What is due before a step; the steps must come in order.
    ///
    /// # Errors
    /// [`RenormalisationError::DoesNotFit`] where no scale, or not that of the run with weight decay,
    /// keeps everything in the format.
    pub fn before(
        &mut self,
        step: &EquivalentStep,
    ) -> Result<Option<Renormalisation>, RenormalisationError> {
        if self.departure(step, self.total).is_none() {
            return Ok(None);
        }
        let total = (-step.ln_scale / LN_2).round() as i64;
        if let Some(found) = self.departure(step, total) {
            return Err(RenormalisationError::DoesNotFit {
                step: found.step,
                what: found.what,
                ln_value: found.ln_value,
                format: self.format,
                largest: self.format.largest(),
                smallest: self.format.smallest_normal(),
            });
        }
        let exponent = total.saturating_sub(self.total);
        self.total = total;
        Ok(Some(Renormalisation {
            step: step.step,
            exponent,
            total,
        }))
    }

    /// The learning rate of the renormalised run in a step, `2^{−2K} η̃`.
    #[must_use]
    pub fn learning_rate(&self, step: &EquivalentStep) -> f64 {
        rescaled_learning_rate(step.ln_learning_rate, self.total)
    }

    /// `K`, by which powers of two the state has been rescaled in all: it is `Π^c` of the plain run's
    /// with `c = 2^{−K}`.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.total
    }

    fn departure(&self, step: &EquivalentStep, total: i64) -> Option<super::Departure> {
        let ln_factor = -(total as f64) * LN_2;
        Monitored::ALL
            .into_iter()
            .find_map(|what| departure(step, what, ln_factor, self.format, &self.magnitudes))
    }
}

/// `2^{−2K} exp(ln η̃)`, as far as it is a normal number: with the digits of `exp(ln η̃)` where that is one, and
/// within some roundings of its value where it leaves float64.
///
/// `exp(ln η̃ − 2K ln 2)` is another number in its last digits, and a run with it is another run.
///
/// ```
/// use schedule_core::renormalisation::rescaled_learning_rate;
///
/// assert_eq!(rescaled_learning_rate(5.0, 3), 5f64.exp() / 64.0);
/// let beyond = rescaled_learning_rate(2_000.0, 1_440);
/// assert!((beyond.ln() - (2_000.0 - 2_880.0 * std::f64::consts::LN_2)).abs() < 1e-12);
/// ```
#[must_use]
pub fn rescaled_learning_rate(ln_learning_rate: f64, total: i64) -> f64 {
    exp_times_power_of_two(ln_learning_rate, total.saturating_mul(-2))
}

/// `2^exponent exp(x)`, not of a rounded `x + exponent·ln 2`.
pub(crate) fn exp_times_power_of_two(x: f64, exponent: i64) -> f64 {
    // Where exp gives a normal number it is that number that is rescaled.
    let plain = x.exp();
    if plain.is_normal() || !x.is_finite() {
        return times_power_of_two(plain, exponent);
    }
    let powers = (x / LN_2).round();
    // ln 2 in two parts, the first with so few digits that its product is exact (Cody & Waite).
    let rest = powers.mul_add(-LN_2_HIGH, x) - powers * LN_2_LOW;
    // No rest is larger, but for numbers that over- or underflow anyway.
    times_power_of_two(
        rest.clamp(-1.0, 1.0).exp(),
        exponent.saturating_add(powers as i64),
    )
}

/// The upper 32 bits of the fraction of ln 2, and the rest.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

/// `value · 2^exponent`, as if in one rounding while the result is normal.
pub(crate) fn times_power_of_two(mut value: f64, exponent: i64) -> f64 {
    // Beyond this, any number but 0 over- or underflows.
    let mut left = exponent.clamp(-4_000, 4_000);
    while left != 0 {
        let part = left.clamp(-1_000, 1_000);
        value *= f64::from_bits(((1_023 + part) as u64) << 52);
        left -= part;
    }
    value
}
