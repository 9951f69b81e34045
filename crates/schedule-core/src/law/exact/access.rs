//! The exact law at any step of a piecewise constant recipe.

use super::transient::Transient;
use crate::recurrence::coupled;
use crate::segments::Segments;
use crate::sum::CompensatedSum;
use crate::{EquivalentStep, ExactLaw, Hyperparameters, LawError, Recipe};

/// The [exact law](ExactLaw) of a piecewise constant recipe at any step, without the steps before it.
///
/// In a phase with constant `η, λ, γ` that is entered at `T` with `κ = κ_{T−1}`, `n` steps on,
/// ```text
/// ln(A_{T+n}/A_T) = n ln α + ln(1 − Q(1−pⁿ))      κ_{T+n−1} = κ* + pⁿ(κ−κ*)/(1 − Q(1−pⁿ))
/// Q = γη(κ−κ*)/(α−β)      p = β/α
/// ```
/// with the roots `α`, `β` and the stationary `κ*` of [`ConstantPhase`](crate::law::exact::ConstantPhase); where the
/// roots are a pair of complex numbers, the phase is a rotation, and ends after less than half a turn
/// (new here). Making it takes a time proportional to the number of phases, [`at`](Self::at) a search among
/// them, whatever the step.
///
/// Numbers: `ln η̃` agrees with [`ExactLaw`] to `1e-11 + 1e-14 |ln η̃|` up to 10⁶ steps, but for two
/// neighbourhoods where the answer hangs on the last digits of what is given. Near a double root the
/// closed form, which rounds `λη` where the recurrence does not, is off by as much as a change of `λη` by
/// `δ = 1.1e-16 λη` amounts to: `nδ/(α−β)` in `ln A_n`. Entered at the unstable `κ*_β = (1−β)/(βη)` up to
/// rounding, a phase ends, settles or stays by the last digit of `κ`; the recurrence decides.
///
/// ```
/// use schedule_core::{ExactAccess, ExactLaw, Recipe, Schedule};
///
/// let recipe = Recipe::new(
///     Schedule::step_decay(0.1, 0.1, &[300, 600])?,
///     Schedule::constant(5e-4)?,
///     Schedule::constant(0.9)?,
/// )?;
/// let access = ExactAccess::new(&recipe, 0.0)?;
/// let streamed = ExactLaw::new().steps(&recipe).nth(700).unwrap()?;
/// assert!((access.at(700).ln_learning_rate - streamed.ln_learning_rate).abs() < 1e-13);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExactAccess {
    segments: Segments<Entered>,
}

/// A phase and the state in which it is entered.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entered {
    hyperparameters: Hyperparameters,
    ln_learning_rate: f64,
    ln_scale: CompensatedSum,
    transient: Transient,
}

impl ExactAccess {
    /// The law from step 0 with `κ_{−1} = buffer_coefficient`, 0 for a buffer left as it is; see
    /// [`ExactLaw::from_buffer_coefficient`].
    ///
    /// The last phase lasts for ever, and so must the conversion. A recipe that ends before the law
    /// does (with complex roots it always ends) is for the streaming law.
    ///
    /// # Errors
    /// [`LawError::NotPiecewiseConstant`]; [`LawError::BufferCoefficientNotFinite`];
    /// [`LawError::ShrinkNotPositive`] with the first step with `a_t ≤ 0`, as the streaming law gives it;
    /// [`LawError::Overflow`] with the start of the phase whose closed form leaves float64.
    ///
    /// ```
    /// use schedule_core::{ExactAccess, LawError, Recipe, Schedule};
    ///
    /// let constant = Schedule::constant;
    /// let recipe = Recipe::new(constant(0.1)?, constant(5e-4)?, constant(0.99)?)?;
    /// let error = ExactAccess::new(&recipe, 0.0).unwrap_err();
    /// assert!(matches!(error, LawError::ShrinkNotPositive { step: 471, .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(recipe: &Recipe, buffer_coefficient: f64) -> Result<Self, LawError> {
        let phases = recipe
            .segments()
            .map_err(|it| recipe.not_piecewise_constant(it))?;
        let mut law = ExactLaw::from_buffer_coefficient(buffer_coefficient)?;
        let mut lengths = phases.spans().map(|(start, last, _)| last - start);
        let segments = phases.try_map(|start, hyperparameters| {
            // One less than the number of steps, which of the last phase is not a u64.
            let beyond_first = lengths.next().unwrap_or(u64::MAX);
            let entered = Entered::new(&law, *hyperparameters, beyond_first)?;
            if let Some(next) = start
                .checked_add(beyond_first)
                .and_then(|last| last.checked_add(1))
            {
                let after = entered.transient.after(next - start);
                law = law.moved_to(next, after.ln_scale, after.buffer_coefficient);
            }
            Ok::<_, LawError>(entered)
        })?;
        Ok(Self { segments })
    }

    /// Everything about a step.
    #[must_use]
    pub fn at(&self, step: u64) -> EquivalentStep {
        let (start, entered) = self.segments.locate(step);
        let Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        } = entered.hyperparameters;
        let before = entered.transient.after(step - start);
        let buffer_coefficient = before.buffer_coefficient;
        let algebra = coupled(learning_rate, weight_decay, momentum, buffer_coefficient);
        let ln_shrink = algebra.shrink_minus_one.ln_1p();
        let scale = entered.ln_scale.plus(before.ln_scale);
        let (ln_scale, ln_scale_after) = (scale.value(), scale.plus(ln_shrink).value());
        EquivalentStep {
            step,
            ln_learning_rate: entered.ln_learning_rate - (ln_scale + ln_scale_after),
            weight_decay: 0.0,
            momentum,
            shrink: algebra.shrink,
            ln_shrink,
            ln_scale,
            ln_scale_after,
            buffer_coefficient,
            buffer_coefficient_after: algebra.buffer_coefficient,
        }
    }
}

impl Entered {
    /// A phase that the law enters, checked to the end of it.
    fn new(
        law: &ExactLaw,
        hyperparameters: Hyperparameters,
        beyond_first: u64,
    ) -> Result<Self, LawError> {
        law.convert(hyperparameters)?;
        let mut transient =
            Transient::new(law.next_step(), hyperparameters, law.buffer_coefficient())?;
        let end = transient.end().unwrap_or(0);
        // To the last digit: from one digit away the recurrence goes further away.
        let stays = law.algebra(hyperparameters, 0.0).buffer_coefficient == law.buffer_coefficient;
        if stays {
            transient = transient.staying();
        } else if end.saturating_sub(2) <= beyond_first {
            transient = settled_around(end, &transient, law, hyperparameters, beyond_first)?;
        }
        Ok(Self {
            hyperparameters,
            ln_learning_rate: hyperparameters.learning_rate.ln(),
            ln_scale: law.ln_scale,
            transient,
        })
    }
}

/// How many steps beyond its end the law is asked whether it ends.
///
/// Where the closed form's digits do not tell, `β/α` is far below 1: it is what the ratio of the two
/// solutions changes by in a step, and within these steps one of them is left.
const BEYOND_END: u64 = 8;

/// The closed form has the end up to rounding; the steps around it decide. A phase without an end is asked at
/// its start, where the unstable `κ*_β` is nearest.
///
/// # Errors
/// That of the step at which the law ends. If it does not, it was at the unstable stationary `κ*_β` up to
/// rounding, and is what those steps made of it.
fn settled_around(
    end: u64,
    transient: &Transient,
    law: &ExactLaw,
    hyperparameters: Hyperparameters,
    beyond_first: u64,
) -> Result<Transient, LawError> {
    let begin = end.saturating_sub(3);
    let beyond = end.saturating_add(BEYOND_END).min(beyond_first);
    let after = transient.after(begin);
    let mut around = law.moved_to(
        law.next_step() + begin,
        after.ln_scale,
        after.buffer_coefficient,
    );
    for _ in begin..=beyond {
        around.convert(hyperparameters)?;
        if around.next_step() < u64::MAX {
            around.step(hyperparameters)?;
        }
    }
    let steps = around.next_step() - law.next_step();
    let ln_scale = around.ln_scale() - law.ln_scale();
    Ok(transient.through(steps, ln_scale, around.buffer_coefficient()))
}
