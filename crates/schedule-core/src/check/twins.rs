//! Two runs side by side, and how far the one is from the other's image.

use std::f64::consts::LN_2;

use crate::field::norm;
use crate::law::exact::BufferShift;
use crate::optimiser::SgdState;
use crate::recurrence::buffer_shift;
use crate::renormalisation::{exp_times_power_of_two, rescaled_learning_rate, times_power_of_two};
use crate::rescaling::Rescaling;
use crate::{EquivalentStep, Hyperparameters};

/// By how many powers of two the twin's scale may be off that of the original.
const LARGEST_SCALE: f64 = 32.0;

/// From where the twin takes each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From where its own last step took it: rounding grows as the dynamics make it grow.
    Free,
    /// From the image of the original: one step at a time, immune to chaos.
    Resynchronised,
}

/// A run of SGD and its twin, step by step.
///
/// The twin's scale grows without end. Before it leaves float64 it is [rescaled](Rescaling) by a power of two, which
/// on a scale-invariant loss changes no digit, so runs may be of any length.
///
/// The distance of buffers is in units of the terms that they are sums of. Those of the gradient are not
/// known; they are taken to be no smaller than `1/‖θ‖`, as on a loss whose values are of order 1, and with
/// them its curvature on the unit sphere. Divide a loss of another order by it first, and the weight decay, and
/// multiply the learning rate by it, which is the same run.
#[derive(Clone, Debug)]
pub struct Twins {
    start: Start,
    /// `start`, or `Free` once the twin has been shifted.
    next: Start,
    original: SgdState,
    twin: Option<SgdState>,
    /// `K`: the twin is rescaled by `2^{−K}`.
    total: i64,
}

impl Twins {
    /// The original at its start; the twin starts from its image.
    #[must_use]
    pub fn new(initial: SgdState, start: Start) -> Self {
        Self {
            start,
            next: start,
            original: initial,
            twin: None,
            total: 0,
        }
    }

    /// Takes a step of both runs and gives their distance after it, relative: the larger of that of
    /// the parameters, and of the buffers in units of the terms they are sums of. NaN where a
    /// run is no longer finite, and where a gradient or a buffer has not one number for each parameter: then no
    /// step is taken.
    pub fn step(
        &mut self,
        gradient: impl Fn(&[f64]) -> Vec<f64>,
        original: Hyperparameters,
        equivalent: &EquivalentStep,
    ) -> f64 {
        self.renormalise(equivalent.ln_scale);
        let scale = exp_times_power_of_two(equivalent.ln_scale, self.total);
        let mapped = self
            .original
            .equivalent(scale, equivalent.buffer_coefficient);
        let current = self.current(mapped);
        let of_twin = gradient(&current.parameters);
        let gradient = gradient(&self.original.parameters);
        let lengths = [self.original.buffer.len(), gradient.len(), of_twin.len()];
        if lengths != [self.original.parameters.len(); 3] {
            self.twin = Some(current);
            return f64::NAN;
        }
        let next = current.stepped(|_| of_twin, self.rescaled(equivalent));
        let terms = buffer_terms(&self.original, &gradient, original);
        self.original = self.original.stepped(|_| gradient, original);
        let scale = exp_times_power_of_two(equivalent.ln_scale_after, self.total);
        let mapped_away =
            equivalent.buffer_coefficient_after.abs() * norm(&self.original.parameters);
        let mapped = self
            .original
            .equivalent(scale, equivalent.buffer_coefficient_after);
        let distance = relative_distance(&next, &mapped, scale * (terms + mapped_away));
        self.twin = Some(next);
        distance
    }

    /// Shifts the twin's buffer before the next step, whose `buffer_coefficient` is to be the new `κ`.
    pub fn shift(&mut self, shift: &BufferShift) {
        let scale = exp_times_power_of_two(shift.ln_scale, self.total);
        let mapped = self.original.equivalent(scale, shift.buffer_coefficient);
        let current = self.current(mapped);
        let (old, new) = (shift.buffer_coefficient, shift.buffer_coefficient_after);
        self.twin = Some(current.shifted(buffer_shift(scale, old, new)));
        // The step is to start from the shifted buffer, and not from an image that needs no shift.
        self.next = Start::Free;
    }

    /// Brings the twin near the scale of the original, if it is far from it.
    fn renormalise(&mut self, ln_scale: f64) {
        let off = -ln_scale / LN_2 - self.total as f64;
        if off.abs() <= LARGEST_SCALE {
            return;
        }
        // What is left of a larger one is for the next steps.
        let exponent = off.round().clamp(-1_000.0, 1_000.0) as i64;
        if let Ok(rescaling) = Rescaling::power_of_two(-exponent) {
            self.twin = self.twin.take().map(|twin| rescaling.state(&twin));
            self.total += exponent;
        }
    }

    /// What the rescaled twin takes in a step.
    fn rescaled(&self, equivalent: &EquivalentStep) -> Hyperparameters {
        let twice = self.total.saturating_mul(2);
        Hyperparameters {
            learning_rate: rescaled_learning_rate(equivalent.ln_learning_rate, self.total),
            weight_decay: times_power_of_two(equivalent.weight_decay, twice),
            ..equivalent.hyperparameters()
        }
    }

    /// From where the twin takes its next step: the image of the original, or where it is.
    fn current(&mut self, mapped: SgdState) -> SgdState {
        let start = std::mem::replace(&mut self.next, self.start);
        match (start, self.twin.take()) {
            (Start::Free, Some(twin)) => twin,
            _ => mapped,
        }
    }

    /// The original after the steps so far.
    #[must_use]
    pub fn original(&self) -> &SgdState {
        &self.original
    }
}

/// The largest distance of [`Twins`] over steps that are given as the original's hyperparameters and the
/// twin's; NaN if any is.
///
/// ```
/// use schedule_core::check::{Start, largest_distance};
/// use schedule_core::optimiser::SgdState;
/// use schedule_core::{ExactLaw, Hyperparameters};
///
/// let sgd = Hyperparameters { learning_rate: 0.1, weight_decay: 5e-4, momentum: 0.9 };
/// let mut law = ExactLaw::new();
/// let steps = (0..100).map(|_| law.step(sgd)).collect::<Result<Vec<_>, _>>()?;
/// let pairs = steps.into_iter().map(|step| (sgd, step));
/// let initial = SgdState { parameters: vec![1.0, -0.5], buffer: vec![0.0, 0.0] };
/// // Of the loss θ₁²/‖θ‖².
/// let gradient = |_step: u64, p: &[f64]| {
///     let square = p[0] * p[0] + p[1] * p[1];
///     let factor = 2.0 * p[0] * p[1] / (square * square);
///     vec![-factor * p[1], factor * p[0]]
/// };
/// assert!(largest_distance(Start::Free, initial, gradient, pairs) < 1e-13);
/// # Ok::<(), schedule_core::LawError>(())
/// ```
#[must_use]
pub fn largest_distance(
    start: Start,
    initial: SgdState,
    gradient: impl Fn(u64, &[f64]) -> Vec<f64>,
    steps: impl IntoIterator<Item = (Hyperparameters, EquivalentStep)>,
) -> f64 {
    let mut twins = Twins::new(initial, start);
    let distances = steps.into_iter().map(|(original, equivalent)| {
        twins.step(|p| gradient(equivalent.step, p), original, &equivalent)
    });
    // `f64::max` would drop a NaN.
    distances.fold(0.0, |worst, distance| {
        if distance > worst || distance.is_nan() {
            distance
        } else {
            worst
        }
    })
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
        + with.weight_decay.abs() * parameters
}

/// A buffer is a sum whose terms may cancel, and cannot be known better than they are: `buffer_size`
/// is theirs.
fn relative_distance(state: &SgdState, other: &SgdState, buffer_size: f64) -> f64 {
    let parameters = distance(&state.parameters, &other.parameters) / norm(&other.parameters);
    let buffer = match distance(&state.buffer, &other.buffer) {
        0.0 => 0.0,
        buffer => buffer / buffer_size,
    };
    // `f64::max` would drop a NaN.
    if parameters > buffer || parameters.is_nan() {
        parameters
    } else {
        buffer
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let differences: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
    norm(&differences)
}
