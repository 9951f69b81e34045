//! The law, and the forms that its twin may have.

use super::{NesterovError, NesterovStep};
use crate::field::{Compensated, Field};
use crate::optimiser::NesterovHyperparameters;
use crate::recurrence::{Nesterov, NesterovTwin, nesterov, nesterov_twin};
use crate::sum::CompensatedSum;

/// The form of the run without weight decay.
///
/// Of the optimiser `b' = γ̃b + δ̃G`, `θ' = θ − η̃(G + ν̃b')`, two of the three coefficients are determined and
/// one is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum NesterovForm {
    /// `ν̃ = γ̃`, `δ̃` changing: PyTorch's look-ahead, with a buffer dampening `1 − δ̃` (which PyTorch refuses
    /// together with `nesterov=True`, and leaves out in the first step).
    FreeDampening,
    /// `δ̃ = 1`, `ν̃` changing: no root is taken, so this holds wherever the scales stay positive.
    SeparateLookahead,
    /// `ν̃ = γ̃` *and* `δ̃ = 1`: what PyTorch offers. It holds while there is no weight decay, and in a step
    /// with `γ = ν = 0`, which is plain SGD; it fails with the reason at the first step that has weight
    /// decay and momentum.
    PyTorch,
}

/// The exact equivalence of Nesterov SGD with coupled weight decay to Nesterov SGD without, on
/// scale-invariant stochastic losses, step by step in constant memory (new here).
///
/// For the [optimiser](crate::optimiser::NesterovState) `b' = γb + δG`, `θ' = θ − η(G + νb')`, `G = g + λθ`, from
/// a free `κ_{−1} ≥ 0` (0 for a buffer left as it is), with `A_0 = A_{−1} = a_{−1} = σ_0 = 1`:
/// ```text
/// d = δλ + γκ_{t−1}    a = 1 − η(λ + νd)    κ_t = d/a    w = 1 + κ_tην    v = δ + κ_tη(1 + νδ)
/// η̃ = η/(A_tA_{t+1}w)    γ̃ = γ w a_{t−1} σ_{t+1}/σ_t    δ̃ = v σ_{t+1}    ν̃ = ν/σ_{t+1}
/// θ̃_t = θ_t/A_t    b̃_t = σ_tA_{t−1}(b_t − κ_{t−1}θ_t)
/// ```
/// The [form](NesterovForm) chooses `σ`. Neither the coefficients nor `σ` grow with the scale, so they are
/// plain numbers; only rate and scales are logarithms.
///
/// ```
/// use schedule_core::optimiser::NesterovHyperparameters;
/// use schedule_core::law::nesterov::{NesterovError, NesterovForm, NesterovLaw};
/// use schedule_core::Hyperparameters;
///
/// let sgd = Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 };
/// let with = NesterovHyperparameters::pytorch(sgd);
///
/// let separate = NesterovLaw::new(NesterovForm::SeparateLookahead).step(with)?;
/// assert_eq!(separate.gradient_weight, 1.0);
/// assert!(separate.lookahead > 0.9);
///
/// let dampened = NesterovLaw::new(NesterovForm::FreeDampening).step(with)?;
/// assert_eq!(dampened.lookahead, dampened.momentum);
/// assert!(dampened.gradient_weight > 1.0);
///
/// let stock = NesterovLaw::new(NesterovForm::PyTorch).step(with);
/// assert!(matches!(stock, Err(NesterovError::PyTorchFormNotClosed { step: 0, .. })));
/// # Ok::<(), NesterovError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NesterovLaw {
    form: NesterovForm,
    step: u64,
    shrink_before: f64,
    /// `ln A_{t−1}`.
    ln_scale_before: f64,
    ln_scale: CompensatedSum,
    buffer_coefficient: Compensated,
    /// `σ_t`.
    buffer_gauge: f64,
}

impl NesterovLaw {
    /// The law from step 0, both runs starting from the same momentum buffer.
    #[must_use]
    pub fn new(form: NesterovForm) -> Self {
        Self {
            form,
            step: 0,
            shrink_before: 1.0,
            ln_scale_before: 0.0,
            ln_scale: CompensatedSum::default(),
            buffer_coefficient: Compensated::ZERO,
            buffer_gauge: 1.0,
        }
    }

    /// The law from step 0 with a chosen `κ_{−1} ≥ 0`: the run without weight decay starts from the buffer
    /// `b̃_0 = b_0 − κ_{−1}θ_0`.
    ///
    /// # Errors
    /// [`NesterovError::BufferCoefficientOutOfRange`].
    pub fn from_buffer_coefficient(
        form: NesterovForm,
        buffer_coefficient: f64,
    ) -> Result<Self, NesterovError> {
        // A negative one could make w or v, which are divided by, 0.
        if !(buffer_coefficient.is_finite() && buffer_coefficient >= 0.0) {
            return Err(NesterovError::BufferCoefficientOutOfRange {
                value: buffer_coefficient,
            });
        }
        Ok(Self {
            buffer_coefficient: buffer_coefficient.into(),
            ..Self::new(form)
        })
    }

    /// Converts the next step. On an error the law stays where it was.
    ///
    /// # Errors
    /// [`NesterovError`], with the step, all values and what to do.
    pub fn step(&mut self, with: NesterovHyperparameters) -> Result<NesterovStep, NesterovError> {
        let step = self.step;
        validate(step, with)?;
        let next = step
            .checked_add(1)
            .ok_or(NesterovError::StepsExhausted { step })?;
        let (wide, gauge, twin) = self.algebra(with)?;
        let algebra = rounded(&wide);
        let ln_shrink = wide.shrink_minus_one.ln_1p();
        let ln_scale = self.ln_scale();
        let ln_scale_after = self.ln_scale.plus(ln_shrink);
        let ln_growth = (algebra.buffer_coefficient * with.learning_rate * with.lookahead).ln_1p();
        let converted = NesterovStep {
            step,
            ln_learning_rate: with.learning_rate.ln()
                - (ln_scale + ln_scale_after.value())
                - ln_growth,
            momentum: twin.momentum,
            // What a form holds is held to the last digit.
            gradient_weight: match self.form {
                NesterovForm::SeparateLookahead => 1.0,
                NesterovForm::PyTorch if is_plain(with) => 1.0,
                NesterovForm::FreeDampening | NesterovForm::PyTorch => twin.gradient_weight,
            },
            lookahead: match self.form {
                NesterovForm::SeparateLookahead => twin.lookahead,
                NesterovForm::FreeDampening | NesterovForm::PyTorch => twin.momentum,
            },
            shrink: algebra.shrink,
            ln_shrink,
            ln_scale,
            ln_scale_after: ln_scale_after.value(),
            ln_buffer_scale: self.buffer_gauge.ln() + self.ln_scale_before,
            ln_buffer_scale_after: gauge.ln() + ln_scale,
            buffer_coefficient: self.buffer_coefficient(),
            buffer_coefficient_after: algebra.buffer_coefficient,
        };
        if self.form == NesterovForm::PyTorch && converted.gradient_weight != 1.0 {
            return Err(NesterovError::PyTorchFormNotClosed {
                step,
                gradient_weight: converted.gradient_weight,
            });
        }
        *self = Self {
            form: self.form,
            step: next,
            shrink_before: algebra.shrink,
            ln_scale_before: ln_scale,
            ln_scale: ln_scale_after,
            buffer_coefficient: wide.buffer_coefficient,
            buffer_gauge: gauge,
        };
        Ok(converted)
    }

    /// The step's algebra, `σ_{t+1}` and the coefficients of the twin, all finite and the scales positive.
    fn algebra(
        &self,
        with: NesterovHyperparameters,
    ) -> Result<(Nesterov<Compensated>, f64, NesterovTwin<f64>), NesterovError> {
        let step = self.step;
        let buffer_coefficient = self.buffer_coefficient();
        let wide = self.wide_algebra(with);
        let algebra = rounded(&wide);
        let shrink = algebra.shrink;
        if shrink <= 0.0 {
            return Err(NesterovError::ShrinkNotPositive {
                step,
                with,
                buffer_coefficient,
                shrink,
            });
        }
        let overflow = NesterovError::Overflow {
            step,
            with,
            buffer_coefficient,
        };
        // The largest of the quantities, all of them positive.
        let weight = algebra.gradient_weight;
        if !(shrink.is_finite() && weight.is_finite() && algebra.buffer_growth.is_finite()) {
            return Err(overflow);
        }
        let gauge = self.gauge_after(with, &algebra)?;
        let twin = nesterov_twin(with, &algebra, self.shrink_before, self.buffer_gauge, gauge);
        let coefficients = [twin.momentum, twin.gradient_weight, twin.lookahead];
        if !(coefficients.iter().all(|x| x.is_finite()) && algebra.buffer_coefficient.is_finite()) {
            return Err(overflow);
        }
        Ok((wide, gauge, twin))
    }

    /// The step's algebra, without the roundings that a slow recurrence would sum up.
    fn wide_algebra(&self, with: NesterovHyperparameters) -> Nesterov<Compensated> {
        let wide = NesterovHyperparameters {
            learning_rate: with.learning_rate.into(),
            weight_decay: with.weight_decay.into(),
            momentum: with.momentum.into(),
            gradient_weight: with.gradient_weight.into(),
            lookahead: with.lookahead.into(),
        };
        let algebra = nesterov(wide, self.buffer_coefficient);
        Nesterov {
            shrink_minus_one: algebra.shrink_minus_one.normalised(),
            shrink: algebra.shrink.normalised(),
            buffer_coefficient: algebra.buffer_coefficient.normalised(),
            buffer_growth: algebra.buffer_growth.normalised(),
            gradient_weight: algebra.gradient_weight.normalised(),
        }
    }

    /// `σ_{t+1}`.
    fn gauge_after(
        &self,
        with: NesterovHyperparameters,
        algebra: &Nesterov<f64>,
    ) -> Result<f64, NesterovError> {
        let step = self.step;
        // 0/0 of a run without momentum: the buffer does not matter, and 1 is the limit.
        let ratio = if with.lookahead == with.momentum {
            1.0
        } else {
            with.lookahead / with.momentum
        };
        let (gauge, square) = match self.form {
            NesterovForm::SeparateLookahead => {
                let gauge = 1.0 / algebra.gradient_weight;
                (gauge, gauge)
            }
            // No coefficient but δ̃ depends on the new buffer's scale.
            NesterovForm::PyTorch if is_plain(with) => {
                let gauge = 1.0 / algebra.gradient_weight;
                (gauge, gauge)
            }
            NesterovForm::FreeDampening | NesterovForm::PyTorch => {
                let square =
                    ratio * self.buffer_gauge / (algebra.buffer_growth * self.shrink_before);
                (square.sqrt(), square)
            }
        };
        if !(gauge > 0.0 && gauge.is_finite()) {
            return Err(NesterovError::RootNotPositive { step, with, square });
        }
        Ok(gauge)
    }

    /// The step to be converted next, from 0.
    #[must_use]
    pub fn next_step(&self) -> u64 {
        self.step
    }

    /// `ln A_t` before the next step `t`.
    #[must_use]
    pub fn ln_scale(&self) -> f64 {
        self.ln_scale.value()
    }

    /// `κ_{t−1}` before the next step `t`.
    #[must_use]
    pub fn buffer_coefficient(&self) -> f64 {
        self.buffer_coefficient.value()
    }
}

/// The nearest numbers.
fn rounded(wide: &Nesterov<Compensated>) -> Nesterov<f64> {
    Nesterov {
        shrink_minus_one: wide.shrink_minus_one.value(),
        shrink: wide.shrink.value(),
        buffer_coefficient: wide.buffer_coefficient.value(),
        buffer_growth: wide.buffer_growth.value(),
        gradient_weight: wide.gradient_weight.value(),
    }
}

/// Whether the buffer holds nothing but the new gradient, and plays no part: plain SGD.
fn is_plain(with: NesterovHyperparameters) -> bool {
    with.momentum == 0.0 && with.lookahead == 0.0
}

fn validate(step: u64, with: NesterovHyperparameters) -> Result<(), NesterovError> {
    with.validate_sgd(step)?;
    let NesterovHyperparameters {
        gradient_weight,
        lookahead,
        ..
    } = with;
    let finite = gradient_weight.is_finite() && lookahead.is_finite();
    if finite && gradient_weight > 0.0 && lookahead >= 0.0 {
        return Ok(());
    }
    Err(NesterovError::WeightsOutOfRange {
        step,
        gradient_weight,
        lookahead,
    })
}
