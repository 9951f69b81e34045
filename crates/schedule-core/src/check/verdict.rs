//! The checker that a user calls.

use std::cell::Cell;

use super::twins::{Start, Twins};
use crate::field::{dot, norm};
use crate::optimiser::SgdState;
use crate::{EquivalentStep, ExactLaw, LawError, Recipe};

/// How far the twins of a recipe are from each other on a loss, step by step; made by
/// [`check_equivalence`].
///
/// Distances are those of [`Twins`], which take the loss to be of order 1.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verdict {
    /// After each step, the twin being set to the image of the original before it: what the law itself
    /// is off by, some roundings if it holds.
    pub resynchronised: Vec<f64>,
    /// After each step, both runs left to themselves: roundings, as the loss makes them grow.
    pub free: Vec<f64>,
    /// `|⟨∇L_t(θ_t), θ_t⟩| / (‖∇L_t‖‖θ_t‖)` before each step, 0 for a scale-invariant loss. Where the
    /// law fails, this says whether the loss is to blame.
    pub radial_gradient: Vec<f64>,
    /// `ε(|ln A_t| + |ln A_{t+1}| + |ln η̃_t|)(1 + ‖θ_{t+1} − θ_t‖/‖θ_{t+1}‖)` of each step, `ε = 2⁻⁵²`: what a step may
    /// be off by because the law gives these logarithms in float64; 1e-12 after some 1,000 e-foldings of
    /// the scale.
    pub rounding: Vec<f64>,
}

/// The first step after which twins are further apart than they may be.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "after step {step} the run without weight decay is {size:e} from the image of the run with it; \
     the gradient's radial part there is {radial_gradient:e} of its length, 0 for a scale-invariant loss"
)]
#[non_exhaustive]
pub struct Disagreement {
    /// The step, from 0.
    pub step: u64,
    /// Relative distance of parameters or buffers, whichever is larger; NaN where a run is not finite.
    pub size: f64,
    /// See [`Verdict::radial_gradient`].
    pub radial_gradient: f64,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The recipe has no equivalent.
    #[error(transparent)]
    Law(#[from] LawError),
    /// The momentum buffer is not one for these parameters.
    #[error(
        "the momentum buffer has {buffer} numbers, the parameters are {parameters}; give a buffer of the \
         same length, of zeros at the start of a run"
    )]
    BufferLength {
        /// How many parameters there are.
        parameters: usize,
        /// How many numbers the buffer has.
        buffer: usize,
    },
    /// A gradient is not one of these parameters.
    #[error(
        "the gradient of step {step} has {gradient} numbers, the parameters are {parameters}; let the \
         function return one for each parameter, in their order"
    )]
    GradientLength {
        /// The step.
        step: u64,
        /// How many parameters there are.
        parameters: usize,
        /// How many numbers the gradient has.
        gradient: usize,
    },
}

impl Verdict {
    /// The first disagreement of the resynchronised twins beyond a tolerance, besides the law's own
    /// [`rounding`](Self::rounding): 1e-12 suits a loss of a few thousand operations in float64.
    ///
    /// # Errors
    /// [`Disagreement`], with the step and size.
    pub fn agrees_within(&self, tolerance: f64) -> Result<(), Disagreement> {
        let mut steps = self.resynchronised.iter().zip(&self.rounding);
        match steps.position(|(size, rounding)| size.is_nan() || *size > tolerance + rounding) {
            None => Ok(()),
            Some(index) => Err(Disagreement {
                step: index as u64,
                size: self.resynchronised.get(index).copied().unwrap_or(f64::NAN),
                radial_gradient: self.radial_gradient.get(index).copied().unwrap_or(f64::NAN),
            }),
        }
    }
}

/// Trains a recipe and its equivalent without weight decay on a loss, and tells how far they are
/// apart at every step.
///
/// `gradient(t, θ)` is `∇L_t(θ)`, a pure function: the batch may depend on the step, and nothing else
/// may change between calls. It is called five times a step.
///
/// # Errors
/// [`CheckError::Law`] where the recipe has no equivalent; [`CheckError::BufferLength`] and
/// [`CheckError::GradientLength`] where lengths differ.
///
/// ```
/// use schedule_core::check::check_equivalence;
/// use schedule_core::optimiser::SgdState;
/// use schedule_core::{Recipe, Schedule};
///
/// let recipe = Recipe::new(
///     Schedule::step_decay(0.1, 0.1, &[50])?,
///     Schedule::constant(5e-3)?,
///     Schedule::constant(0.9)?,
/// )?;
/// let initial = SgdState { parameters: vec![1.0, -0.5], buffer: vec![0.0, 0.0] };
///
/// // The gradient of −θ₀/‖θ‖.
/// let scale_invariant = |_step: u64, p: &[f64]| {
///     let norm = p[0].hypot(p[1]);
///     vec![-p[1] * p[1] / norm.powi(3), p[0] * p[1] / norm.powi(3)]
/// };
/// let verdict = check_equivalence(&initial, scale_invariant, &recipe, 100)?;
/// assert!(verdict.agrees_within(1e-12).is_ok());
///
/// // That of ‖θ‖²/2, which is not.
/// let verdict = check_equivalence(&initial, |_, p| p.to_vec(), &recipe, 100)?;
/// let disagreement = verdict.agrees_within(1e-12).unwrap_err();
/// assert_eq!(disagreement.step, 1); // in the first step the twins still are where they were
/// assert!(disagreement.radial_gradient > 0.999);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_equivalence(
    initial: &SgdState,
    gradient: impl Fn(u64, &[f64]) -> Vec<f64>,
    recipe: &Recipe,
    steps: u64,
) -> Result<Verdict, CheckError> {
    let (parameters, buffer) = (initial.parameters.len(), initial.buffer.len());
    if parameters != buffer {
        return Err(CheckError::BufferLength { parameters, buffer });
    }
    let mut free = Twins::new(initial.clone(), Start::Free);
    let mut resynchronised = Twins::new(initial.clone(), Start::Resynchronised);
    let mut verdict = Verdict {
        resynchronised: Vec::new(),
        free: Vec::new(),
        radial_gradient: Vec::new(),
        rounding: Vec::new(),
    };
    let mut law = ExactLaw::new();
    for step in 0..steps {
        let with = recipe.at(step);
        let equivalent = law.step(with)?;
        let wrong_length = Cell::new(None);
        let gradient = |at: &[f64]| {
            let gradient = gradient(step, at);
            if gradient.len() != parameters {
                wrong_length.set(Some(gradient.len()));
            }
            gradient
        };
        let at = &free.original().parameters;
        verdict.radial_gradient.push(radial(&gradient(at), at));
        verdict.free.push(free.step(gradient, with, &equivalent));
        let distance = resynchronised.step(gradient, with, &equivalent);
        if let Some(gradient) = wrong_length.get() {
            return Err(CheckError::GradientLength {
                step,
                parameters,
                gradient,
            });
        }
        verdict.resynchronised.push(distance);
        let after = resynchronised.original();
        let update = with.learning_rate * norm(&after.buffer) / norm(&after.parameters);
        verdict.rounding.push(rounding(&equivalent, update));
    }
    Ok(verdict)
}

/// `update` is `‖θ_{t+1} − θ_t‖/‖θ_{t+1}‖`.
fn rounding(step: &EquivalentStep, update: f64) -> f64 {
    let ln_rate = step.ln_learning_rate.abs();
    // A rate of 0 is exact.
    let ln_rate = if ln_rate.is_finite() { ln_rate } else { 0.0 };
    let logarithms = step.ln_scale.abs() + step.ln_scale_after.abs() + ln_rate;
    f64::EPSILON * logarithms * (1.0 + update)
}

fn radial(gradient: &[f64], parameters: &[f64]) -> f64 {
    match dot(gradient, parameters).abs() {
        0.0 => 0.0,
        radial => radial / (norm(gradient) * norm(parameters)),
    }
}
