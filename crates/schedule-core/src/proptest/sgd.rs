//! The optimiser step whose equivalence is tested, and two ways to compare twin runs.

use super::StochasticLoss;
use crate::{EquivalentStep, Hyperparameters, Recipe};

/// Parameters and momentum buffer of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct SgdState {
    /// `θ_t`.
    pub parameters: Vec<f64>,
    /// `b_t`.
    pub buffer: Vec<f64>,
}

impl SgdState {
    /// The state after one step, in the form of [`Recipe`].
    #[must_use]
    pub fn stepped(&self, loss: &impl StochasticLoss, step: u64, with: Hyperparameters) -> Self {
        let gradient = loss.gradient(step, &self.parameters);
        let buffer: Vec<f64> = self
            .buffer
            .iter()
            .zip(gradient.iter().zip(&self.parameters))
            .map(|(b, (g, p))| with.momentum * b + g + with.weight_decay * p)
            .collect();
        let parameters = self
            .parameters
            .iter()
            .zip(&buffer)
            .map(|(p, b)| p - with.learning_rate * b)
            .collect();
        Self { parameters, buffer }
    }

    /// The equivalent state of the run without weight decay: `θ/A`, `A(b − κθ)`.
    #[must_use]
    pub fn equivalent(&self, ln_scale: f64, buffer_coefficient: f64) -> Self {
        let scale = ln_scale.exp();
        Self {
            parameters: self.parameters.iter().map(|p| p / scale).collect(),
            buffer: self
                .buffer
                .iter()
                .zip(&self.parameters)
                .map(|(b, p)| scale * (b - buffer_coefficient * p))
                .collect(),
        }
    }

    /// The larger of the relative distances to another state, of the parameters and of the buffer,
    /// the buffer's in units of `buffer_size`.
    ///
    /// A buffer is a sum whose terms may cancel, and cannot be known better than they are: its size
    /// is that of the terms.
    #[must_use]
    pub fn distance(&self, other: &Self, buffer_size: f64) -> f64 {
        let parameters = distance(&self.parameters, &other.parameters) / norm(&other.parameters);
        let buffer = distance(&self.buffer, &other.buffer);
        let buffer = if buffer == 0.0 {
            0.0
        } else {
            buffer / buffer_size
        };
        // `f64::max` would drop a NaN.
        if parameters > buffer || parameters.is_nan() {
            parameters
        } else {
            buffer
        }
    }
}

/// The largest relative distance over a free run of the twins, each on its own from step 0.
///
/// The run with weight decay follows the recipe from the loss's initial state; the other one follows
/// the steps from the equivalent of that state.
#[must_use]
pub fn twin_deviation(
    loss: &impl StochasticLoss,
    recipe: &Recipe,
    steps: &[EquivalentStep],
) -> f64 {
    deviation(loss, recipe, steps, |_, twin| twin)
}

/// The largest relative distance over single steps, the twin being set to the mapped original before
/// each: immune to chaos, so it checks the law at every step to rounding.
#[must_use]
pub fn resynchronised_deviation(
    loss: &impl StochasticLoss,
    recipe: &Recipe,
    steps: &[EquivalentStep],
) -> f64 {
    deviation(loss, recipe, steps, |mapped, _| mapped)
}

fn deviation(
    loss: &impl StochasticLoss,
    recipe: &Recipe,
    steps: &[EquivalentStep],
    start_from: impl Fn(SgdState, SgdState) -> SgdState,
) -> f64 {
    let mut original = loss.initial_state();
    let mut twin: Option<SgdState> = None;
    let mut worst = 0.0;
    for with in steps {
        let mapped = original.equivalent(with.ln_scale, with.buffer_coefficient);
        let current = start_from(mapped.clone(), twin.unwrap_or(mapped));
        let hyperparameters = recipe.at(with.step);
        let terms = buffer_terms(
            &original,
            &loss.gradient(with.step, &original.parameters),
            hyperparameters,
        );
        original = original.stepped(loss, with.step, hyperparameters);
        let mapped_away = with.buffer_coefficient_after.abs() * norm(&original.parameters);
        let buffer_size = with.ln_scale_after.exp() * (terms + mapped_away);
        let without_decay = Hyperparameters {
            learning_rate: with.learning_rate(),
            weight_decay: 0.0,
            momentum: with.momentum,
        };
        let next = current.stepped(loss, with.step, without_decay);
        let mapped = original.equivalent(with.ln_scale_after, with.buffer_coefficient_after);
        let distance = next.distance(&mapped, buffer_size);
        if distance.is_nan() {
            return f64::NAN;
        }
        worst = distance.max(worst);
        twin = Some(next);
    }
    worst
}

/// The size of the terms that make the new buffer, `γb + g + λθ`.
///
/// The gradient's own terms are not known, but a rounding of `θ` shows how large they are: the curvature
/// of a scale-invariant loss is `1/‖θ‖²` times a number that is of order 1 here, so `g` moves as if
/// it were a sum of terms of size `1/‖θ‖`, even near a minimum, where it is small itself.
fn buffer_terms(state: &SgdState, gradient: &[f64], with: Hyperparameters) -> f64 {
    let parameters = norm(&state.parameters);
    with.momentum * norm(&state.buffer)
        + norm(gradient).max(1.0 / parameters)
        + with.weight_decay * parameters
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f64>()
        .sqrt()
}
