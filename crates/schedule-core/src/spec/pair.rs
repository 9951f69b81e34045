//! A run and its twin, for optimisers of any kind.

use crate::check::Start;
use crate::field::norm;
use crate::optimiser::SgdState;
use crate::{EquivalentStep, Hyperparameters};

/// Two runs side by side.
pub(super) struct Pair<S> {
    start: Start,
    original: S,
    twin: Option<S>,
}

/// The states around one step.
pub(super) struct Around<S> {
    /// The original before the step.
    pub(super) before: S,
    /// The original after it.
    pub(super) after: S,
    /// The twin after it.
    pub(super) twin: S,
}

impl<S: Clone> Pair<S> {
    pub(super) fn new(start: Start, original: S) -> Self {
        Self {
            start,
            original,
            twin: None,
        }
    }

    /// Takes a step of both, the twin from the image of the original if it has none of its own.
    pub(super) fn step(
        &mut self,
        image: impl FnOnce(&S) -> S,
        original: impl FnOnce(&S) -> S,
        twin: impl FnOnce(&S) -> S,
    ) -> Around<S> {
        let before = self.original.clone();
        let from = match (self.start, self.twin.take()) {
            (Start::Free, Some(twin)) => twin,
            _ => image(&before),
        };
        let (after, twin) = (original(&before), twin(&from));
        self.original = after.clone();
        self.twin = Some(twin.clone());
        Around {
            before,
            after,
            twin,
        }
    }
}

/// `‖a − b‖/size`, 0 for equal vectors whatever the size.
pub(super) fn distance(a: &[f64], b: &[f64], size: f64) -> f64 {
    let square: f64 = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum();
    if square == 0.0 {
        return 0.0;
    }
    square.sqrt() / size
}

/// `‖a − b‖/‖b‖`.
pub(super) fn relative(a: &[f64], b: &[f64]) -> f64 {
    distance(a, b, norm(b))
}

/// The size of a gradient, not below that of the terms it is a sum of on the losses here, whose
/// curvature is of the order of `1/‖θ‖²`.
pub(super) fn gradient_size(gradient: &[f64], parameters: &[f64]) -> f64 {
    norm(gradient).max(1.0 / norm(parameters))
}

/// The larger, or NaN if one is.
pub(super) fn worse(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

/// How far a twin of SGD is from the image of the original: its parameters relative to their length,
/// its buffer to the terms that it is a sum of.
pub(super) fn sgd_distance(
    around: &Around<SgdState>,
    gradient_size: f64,
    with: Hyperparameters,
    equivalent: &EquivalentStep,
) -> f64 {
    let (scale, coefficient) = (
        equivalent.ln_scale_after.exp(),
        equivalent.buffer_coefficient_after,
    );
    let image = around.after.equivalent(scale, coefficient);
    let terms = with.momentum * norm(&around.before.buffer)
        + gradient_size
        + (with.weight_decay + coefficient.abs()) * norm(&around.before.parameters);
    worse(
        relative(&around.twin.parameters, &image.parameters),
        distance(&around.twin.buffer, &image.buffer, scale * terms),
    )
}
