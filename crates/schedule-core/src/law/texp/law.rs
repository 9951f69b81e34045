//! TEXP, the exponential schedule of a step decay.

use crate::law::exact::{BufferShift, ConstantPhase};
use crate::segments::Segments;
use crate::sum::CompensatedSum;
use crate::{EquivalentStep, LawError, Recipe};

/// TEXP ("tapered exponential"): the schedule without weight decay that Li & Arora
/// (arXiv:1910.07454) give for a step decay with weight decay.
///
/// For phases `I` from step `T_I` with rates `η_I` and [roots](ConstantPhase::root) `α_I`:
/// ```text
/// η̃_0 = η_0/α_0
/// η̃_t = η̃_{t−1} α_I⁻²                           inside a phase
/// η̃_t = η̃_{t−1} (η_I/η_{I−1}) α_I⁻¹ α_{I−1}⁻¹    at t = T_I
/// ```
/// which is `η̃_t = η_I/(A_t A_{t+1})` with `A_{t+1} = α_I A_t`: the [exact law](crate::ExactLaw) without
/// its transients. Against the exact law from a zero buffer `ln η̃` is off by
/// [a constant](ConstantPhase::settled_ln_difference) of first order in `λη` at the start and of second
/// order at each boundary. It is exact from the initial buffer `b̃_0 = b_0 − κ*_0 θ_0` if at each `T_I`
/// both runs use the [boundary momentum](Self::boundary_momentum), or if the [buffer is
/// shifted](Self::buffer_shift) there.
///
/// The paper's TEXP−−, "the same without the instant decay", has no factor `η_I/η_{I−1}`: it is
/// TEXP of the recipe [at constant rate](Recipe::with_constant_rate).
///
/// Access to any step takes a search among the phases, whatever the step.
///
/// ```
/// use schedule_core::law::texp::Texp;
/// use schedule_core::{Recipe, Schedule};
///
/// // The standard recipe: 200 epochs of 391 steps.
/// let recipe = Recipe::new(
///     Schedule::step_decay(0.1, 0.1, &[80 * 391, 120 * 391])?,
///     Schedule::constant(5e-4)?,
///     Schedule::constant(0.9)?,
/// )?;
/// let texp = Texp::new(&recipe)?;
/// assert!((texp.ln_learning_rate(200 * 391 - 1) - 26.399805).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Texp {
    segments: Segments<Entered>,
}

/// A phase and the scale at which it is entered.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entered {
    phase: ConstantPhase,
    ln_scale: f64,
    /// `κ*` of the phase before, or of this one if it is the first.
    buffer_coefficient: f64,
    boundary_momentum: Option<f64>,
}

/// A phase of [`Texp`]; it ends where the next one starts.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TexpPhase {
    /// `T_I`, the first step.
    pub start: u64,
    /// The closed form that holds in the phase.
    pub phase: ConstantPhase,
    /// `ln A` at the start of the phase.
    pub ln_scale: f64,
}

impl Texp {
    /// TEXP of a piecewise constant recipe.
    ///
    /// # Errors
    /// [`LawError::NotPiecewiseConstant`]; [`LawError::NoPositiveRoot`] or [`LawError::Overflow`] with
    /// the phase that has no closed form.
    pub fn new(recipe: &Recipe) -> Result<Self, LawError> {
        let phases = recipe
            .segments()
            .map_err(|it| recipe.not_piecewise_constant(it))?;
        let mut before: Option<(u64, ConstantPhase)> = None;
        let mut ln_scale = CompensatedSum::default();
        let segments = phases.try_map(|start, hyperparameters| {
            let phase = ConstantPhase::from_step(start, *hyperparameters)?;
            if let Some((previous_start, previous)) = before {
                ln_scale = ln_scale.plus((start - previous_start) as f64 * previous.ln_root());
            }
            let previous = before.map_or(phase, |(_, previous)| previous);
            let boundary_momentum = before.map_or(Some(hyperparameters.momentum), |_| {
                phase.boundary_momentum(&previous)
            });
            before = Some((start, phase));
            Ok::<_, LawError>(Entered {
                phase,
                ln_scale: ln_scale.value(),
                buffer_coefficient: previous.stationary_buffer_coefficient(),
                boundary_momentum,
            })
        })?;
        Ok(Self { segments })
    }

    /// `ln η̃_t`; −∞ where the recipe's rate is 0.
    #[must_use]
    pub fn ln_learning_rate(&self, step: u64) -> f64 {
        self.at(step).ln_learning_rate
    }

    /// Everything about a step, in the form of the exact law: `a_t = α_I`, `κ = κ*_I`.
    #[must_use]
    pub fn at(&self, step: u64) -> EquivalentStep {
        let (start, entered) = self.segments.locate(step);
        let in_phase = entered.phase.at(step - start, entered.ln_scale);
        EquivalentStep {
            step,
            buffer_coefficient: match step == start {
                true => entered.buffer_coefficient,
                false => in_phase.buffer_coefficient,
            },
            ..in_phase
        }
    }

    /// The momentum that makes TEXP exact when *both* runs use it at this step: the recipe's own
    /// inside a phase, `γ_I κ*_I/κ*_{I−1}` at `T_I`.
    ///
    /// To correct only one of the runs is worse than to correct none where the buffer is larger than `κ* θ`, as it is in
    /// training. `None` at a boundary where no momentum in `[0, 1)` does it.
    ///
    /// ```
    /// use schedule_core::law::texp::Texp;
    /// use schedule_core::{Recipe, Schedule};
    ///
    /// let recipe = Recipe::new(
    ///     Schedule::step_decay(0.1, 0.1, &[1_000])?,
    ///     Schedule::constant(5e-4)?,
    ///     Schedule::constant(0.9)?,
    /// )?;
    /// let texp = Texp::new(&recipe)?;
    /// assert_eq!(texp.boundary_momentum(999), Some(0.9));
    /// let corrected = texp.boundary_momentum(1_000).unwrap();
    /// assert!(corrected < 0.9 && corrected > 0.89);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn boundary_momentum(&self, step: u64) -> Option<f64> {
        let (start, entered) = self.segments.locate(step);
        if step == start {
            return entered.boundary_momentum;
        }
        Some(entered.phase.hyperparameters().momentum)
    }

    /// The shift of the buffer, before the step, that makes TEXP exact with the recipe's own momentum in
    /// both runs: from `κ*_{I−1}` to `κ*_I` at `T_I`. New here.
    ///
    /// `None` inside a phase, and at step 0, where `b̃_0 = b_0 − κ*_0 θ_0` is all that is needed.
    ///
    /// ```
    /// use schedule_core::optimiser::SgdState;
    /// use schedule_core::law::texp::Texp;
    /// use schedule_core::{Recipe, Schedule};
    ///
    /// let recipe = Recipe::new(
    ///     Schedule::step_decay(0.1, 0.1, &[1_000])?,
    ///     Schedule::constant(5e-4)?,
    ///     Schedule::constant(0.9)?,
    /// )?;
    /// let texp = Texp::new(&recipe)?;
    /// let mut twin = SgdState { parameters: vec![1.0, 2.0], buffer: vec![0.0, 0.0] };
    /// assert!(texp.buffer_shift(999).is_none());
    /// if let Some(shift) = texp.buffer_shift(1_000) {
    ///     twin = twin.shifted(shift.factor());
    /// }
    /// assert!(twin.buffer[0] > 0.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn buffer_shift(&self, step: u64) -> Option<BufferShift> {
        let (start, entered) = self.segments.locate(step);
        (step == start && step > 0).then(|| BufferShift {
            step,
            ln_scale: entered.ln_scale,
            buffer_coefficient: entered.buffer_coefficient,
            buffer_coefficient_after: entered.phase.stationary_buffer_coefficient(),
        })
    }

    /// The phases, in order.
    pub fn phases(&self) -> impl Iterator<Item = TexpPhase> {
        self.segments.iter().map(|(start, entered)| TexpPhase {
            start,
            phase: entered.phase,
            ln_scale: entered.ln_scale,
        })
    }
}
