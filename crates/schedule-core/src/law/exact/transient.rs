//! The exact law in a phase of constant hyperparameters, any number of steps after it is entered.

use std::f64::consts::PI;

use super::{ConstantPhase, one_minus_sqrt};
use crate::recurrence::coupled;
use crate::{Hyperparameters, LawError};

/// The exact law's solution in a constant phase that is entered at `T` with `κ = κ_{T−1}`, transient
/// included.
///
/// Both `A_{T+n}/A_T` and `κ_{T+n−1} A_{T+n}/A_T` solve `x_{n+1} = (1+γ−s) x_n − γ x_{n−1}`, `s = ηλ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Transient {
    Real(Real),
    Complex(Complex),
    Brief(Brief),
}

/// The state of the law `n` steps after the phase is entered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct After {
    /// `ln(A_{T+n}/A_T)`.
    pub(super) ln_scale: f64,
    /// `κ_{T+n−1}`.
    pub(super) buffer_coefficient: f64,
}

/// With real, positive roots `α ≥ β`, `q = α − β`, `p = β/α`:
/// ```text
/// ln(A_{T+n}/A_T) = n ln α + ln D_n      D_n = 1 − γη(κ−κ*) F_n      F_n = (1−pⁿ)/q,  n/α if q = 0
/// κ_{T+n−1} = κ* + pⁿ(κ−κ*)/D_n
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Real {
    phase: ConstantPhase,
    ln_root: f64,
    /// `ln p`; −∞ without momentum.
    ln_ratio: f64,
    /// `κ − κ*`.
    excess: f64,
    /// `γη(κ − κ*)`.
    pull: f64,
    /// `1 − Q`, `Q = γη(κ−κ*)/q`; of no meaning if `q = 0`.
    margin: f64,
}

/// With complex roots `√γ e^{±iφ}`, `g = 2√γ sin φ`:
/// ```text
/// A_{T+n}/A_T = √γⁿ sin(nφ+ψ)/sin ψ      ψ = atan2(g, 1−γ−s−2γηκ)
/// κ_{T+n−1} = (κ cos nφ + C sin nφ) sin ψ/sin(nφ+ψ)      C = (2λ−κ(1−γ−s))/g
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Complex {
    ln_modulus: f64,
    /// `φ`.
    angle: f64,
    /// `ψ`.
    offset: f64,
    /// `κ`.
    buffer_coefficient: f64,
    /// `C`.
    cross_term: f64,
}

/// With real roots that are not both positive the law ends within two steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Brief {
    hyperparameters: Hyperparameters,
    buffer_coefficient: f64,
}

impl Transient {
    /// The solution in a phase that starts at `start`.
    ///
    /// # Errors
    /// [`LawError::Hyperparameters`]; [`LawError::Overflow`] where a quantity of the closed form leaves
    /// float64.
    pub(super) fn new(
        start: u64,
        hyperparameters: Hyperparameters,
        buffer_coefficient: f64,
    ) -> Result<Self, LawError> {
        let solution = match ConstantPhase::from_step(start, hyperparameters) {
            Ok(phase) => Self::Real(Real::new(phase, buffer_coefficient)),
            Err(LawError::NoPositiveRoot { .. }) => {
                let brief = Brief {
                    hyperparameters,
                    buffer_coefficient,
                };
                Complex::new(hyperparameters, buffer_coefficient)
                    .map_or(Self::Brief(brief), Self::Complex)
            }
            Err(other) => return Err(other),
        };
        if solution.is_finite() {
            return Ok(solution);
        }
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = hyperparameters;
        Err(LawError::Overflow {
            step: start,
            learning_rate,
            weight_decay,
            momentum,
            buffer_coefficient,
        })
    }

    /// The state `steps` steps on; of meaning before [`Self::end`].
    pub(super) fn after(&self, steps: u64) -> After {
        match self {
            Self::Real(solution) => solution.after(steps as f64),
            Self::Complex(solution) => solution.after(steps as f64),
            Self::Brief(solution) => solution.after(steps),
        }
    }

    /// The smallest `n` with `A_{T+n}/A_T ≤ 0`, so that `a_t ≤ 0` first at `t = T+n−1`; `None` if there
    /// is none, or none that a `u64` counts. Up to rounding.
    pub(super) fn end(&self) -> Option<u64> {
        let steps = match self {
            Self::Real(solution) => solution.end()?,
            Self::Complex(solution) => (PI - solution.offset) / solution.angle,
            Self::Brief(_) => 2.0,
        };
        let end = steps.ceil() as u64;
        // What saturates lies beyond the last step there is.
        (end < u64::MAX).then_some(end.max(1))
    }

    /// The solution where the recurrence leaves `κ` as it is: at `κ*`, or at the unstable `κ*_β` if that is nearer,
    /// which the closed form has up to rounding and leaves in time.
    pub(super) fn staying(self) -> Self {
        match self {
            Self::Real(solution) if solution.margin.abs() < 0.5 => Self::Real(Real {
                margin: 0.0,
                ..solution
            }),
            other => other,
        }
    }

    /// The solution made to go through a state `steps` steps on, which is the same up to rounding: where
    /// `Q` is 1 but for a rounding, the state is what tells `1 − Q`.
    pub(super) fn through(self, steps: u64, ln_scale: f64, buffer_coefficient: f64) -> Self {
        match self {
            Self::Real(solution) => {
                Self::Real(solution.through(steps as f64, ln_scale, buffer_coefficient))
            }
            other => other,
        }
    }

    fn is_finite(&self) -> bool {
        match self {
            Self::Real(solution) => (solution.pull / solution.positive_gap()).is_finite(),
            Self::Complex(solution) => solution.cross_term.is_finite() && solution.offset > 0.0,
            Self::Brief(_) => true,
        }
    }
}

impl Real {
    fn new(phase: ConstantPhase, buffer_coefficient: f64) -> Self {
        let Hyperparameters {
            learning_rate,
            momentum,
            ..
        } = phase.hyperparameters();
        let relative_gap = phase.root_gap() / phase.root();
        let excess = buffer_coefficient - phase.stationary_buffer_coefficient();
        let pull = momentum * learning_rate * excess;
        let mut solution = Self {
            phase,
            ln_root: phase.ln_root(),
            // Of the two forms of β/α, the one that does not cancel.
            ln_ratio: if relative_gap < 0.5 {
                (-relative_gap).ln_1p()
            } else {
                (momentum / (phase.root() * phase.root())).ln()
            },
            excess,
            pull,
            margin: 1.0,
        };
        solution.margin = 1.0 - pull / solution.positive_gap();
        solution
    }

    /// `q`, or 1 for the double root.
    fn positive_gap(&self) -> f64 {
        match self.phase.root_gap() {
            0.0 => 1.0,
            gap => gap,
        }
    }

    fn after(&self, steps: f64) -> After {
        let stationary = self.phase.stationary_buffer_coefficient();
        // Without steps, ln p = −∞ must not be multiplied by 0.
        let exponent = if steps == 0.0 {
            0.0
        } else {
            steps * self.ln_ratio
        };
        let stationary_ln_scale = steps * self.ln_root;
        let settled = self.pull / self.positive_gap();
        // κ = κ*_β, from where a_t = β for ever: what is left of D_n is pⁿ, which may underflow.
        if self.margin == 0.0 && self.phase.root_gap() > 0.0 {
            return After {
                ln_scale: stationary_ln_scale + exponent,
                buffer_coefficient: stationary + self.excess,
            };
        }
        // Near there D_n is (1 − Q) + Qpⁿ, whose digits 1 − Q(1 − pⁿ) would lose.
        if self.margin.abs() < 0.5 && self.phase.root_gap() > 0.0 {
            let left = exponent.exp();
            let drop = self.margin + settled * left;
            return After {
                ln_scale: stationary_ln_scale + drop.ln(),
                buffer_coefficient: stationary + left * self.excess / drop,
            };
        }
        let part = if self.phase.root_gap() > 0.0 {
            -exponent.exp_m1()
        } else {
            steps / self.phase.root()
        };
        let minus_drop = -(settled * part);
        After {
            ln_scale: stationary_ln_scale + minus_drop.ln_1p(),
            buffer_coefficient: stationary + exponent.exp() * self.excess / (1.0 + minus_drop),
        }
    }

    /// With `1 − Q = D_n (1 − Q_n)`, `Q_n` being the `Q` of a phase that is entered `n` steps on; no less
    /// than 0, with which the phase does not end.
    fn through(self, steps: f64, ln_scale: f64, buffer_coefficient: f64) -> Self {
        let later = Self::new(self.phase, buffer_coefficient);
        let drop = (ln_scale - steps * self.ln_root).exp();
        Self {
            margin: (drop * later.margin).max(0.0),
            ..self
        }
    }

    fn end(&self) -> Option<f64> {
        if self.phase.root_gap() == 0.0 {
            return (self.pull > 0.0).then(|| self.phase.root() / self.pull);
        }
        let settled = self.pull / self.phase.root_gap();
        (settled > 1.0).then(|| (-1.0 / settled).ln_1p() / self.ln_ratio)
    }
}

impl Complex {
    /// `None` where the roots are real.
    fn new(with: Hyperparameters, buffer_coefficient: f64) -> Option<Self> {
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = with;
        let product = learning_rate * weight_decay;
        let root = momentum.sqrt();
        let (lower, upper) = (one_minus_sqrt(momentum), 1.0 + root);
        // (2√γ sin φ)², positive only between the two limits of λη.
        let square = (product - lower * lower) * (upper * upper - product);
        if square.is_nan() || square <= 0.0 {
            return None;
        }
        let sine = square.sqrt();
        let difference = 1.0 - momentum - product;
        let pull = 2.0 * momentum * learning_rate * buffer_coefficient;
        Some(Self {
            ln_modulus: 0.5 * momentum.ln(),
            angle: sine.atan2(1.0 + momentum - product),
            offset: sine.atan2(difference - pull),
            buffer_coefficient,
            cross_term: (2.0 * weight_decay - buffer_coefficient * difference) / sine,
        })
    }

    fn after(&self, steps: f64) -> After {
        let turned = steps * self.angle;
        // Positive until the law ends, but for rounding at the very last step.
        let ratio = ((turned + self.offset).sin() / self.offset.sin()).max(f64::MIN_POSITIVE);
        let numerator = self.buffer_coefficient * turned.cos() + self.cross_term * turned.sin();
        After {
            ln_scale: steps * self.ln_modulus + ratio.ln(),
            buffer_coefficient: numerator / ratio,
        }
    }
}

impl Brief {
    fn after(&self, steps: u64) -> After {
        if steps == 0 {
            return After {
                ln_scale: 0.0,
                buffer_coefficient: self.buffer_coefficient,
            };
        }
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = self.hyperparameters;
        let first = coupled(
            learning_rate,
            weight_decay,
            momentum,
            self.buffer_coefficient,
        );
        After {
            ln_scale: first.shrink_minus_one.ln_1p(),
            buffer_coefficient: first.buffer_coefficient,
        }
    }
}
