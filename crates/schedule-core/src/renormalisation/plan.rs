//! Keeping the run in range.

use std::f64::consts::LN_2;

use super::scales::Scales;
use super::{Formats, Growth, Magnitudes, Monitored, RenormalisationError};
use crate::field::Field;
use crate::rescaling::{Rescaling, RescalingError};

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
    /// whatever else is a [`Quantity`](crate::rescaling::Quantity).
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
/// It waits until something would leave the format, and then goes to the power of two nearest the scale of the
/// run with weight decay, of those that keep everything in. A learning rate that is too small for its
/// format at all of them, as at the end of a schedule that goes to 0, is left to underflow. Since rescaling by a power of two is
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
/// let magnitudes = Magnitudes::new(one, one, 10.0, one, 2)?;
/// let mut renormaliser = Renormaliser::new(FloatFormat::F32, magnitudes);
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
    formats: Formats,
    magnitudes: Magnitudes,
    total: i64,
}

impl Renormaliser {
    /// For a run that has not been rescaled so far; from the [format](Formats::from) of the state alone or from
    /// both.
    #[must_use]
    pub fn new(formats: impl Into<Formats>, magnitudes: Magnitudes) -> Self {
        Self {
            formats: formats.into(),
            magnitudes,
            total: 0,
        }
    }

    /// What is due before a step of whatever law; the steps must come in order.
    ///
    /// # Errors
    /// [`RenormalisationError::DoesNotFit`] and [`RenormalisationError::NoCommonScale`] where no scale keeps
    /// everything in the formats.
    pub fn before(
        &mut self,
        step: impl Into<Growth>,
    ) -> Result<Option<Renormalisation>, RenormalisationError> {
        let step = step.into();
        let scales = Scales::of(&step, self.formats, &self.magnitudes)?;
        if scales.contain(self.total) {
            return Ok(None);
        }
        let total = scales.nearest(-step.ln_scale[0] / LN_2);
        let exponent = total - self.total;
        self.total = total;
        Ok(Some(Renormalisation {
            step: step.step,
            exponent,
            total,
        }))
    }

    /// The learning rate of the renormalised run in a step, `2^{−(1+k)K} η̃` for an update of degree `k` in the gradients:
    /// `2^{−2K} η̃` of SGD and SGDW, `2^{−K} η̃` of AdamW.
    #[must_use]
    pub fn learning_rate(&self, step: impl Into<Growth>) -> f64 {
        let step = step.into();
        let weight = self.magnitudes.weight(Monitored::LearningRate, &step);
        let exponent = -weight * self.total as f64;
        // Of a whole degree there is no rest, and the power of two changes no digit.
        let (whole, rest) = (exponent.trunc(), exponent.fract());
        exp_times_power_of_two(step.ln_learning_rate + rest * LN_2, whole as i64)
    }

    /// `K`, by which powers of two the state has been rescaled in all: it is `Π^c` of the plain run's
    /// with `c = 2^{−K}`.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.total
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

/// `2^exponent exp(x)`, not of a rounded `x + exponent·ln 2`: what [`rescaled_learning_rate`] says, for any power.
///
/// ```
/// use schedule_core::renormalisation::exp_times_power_of_two;
///
/// assert_eq!(exp_times_power_of_two(-5.0, 3), 8.0 * (-5f64).exp());
/// // exp(−2000) is no float64.
/// assert!((exp_times_power_of_two(-2_000.0, 2_885).ln() + 0.27).abs() < 1e-2);
/// ```
#[must_use]
pub fn exp_times_power_of_two(x: f64, exponent: i64) -> f64 {
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
