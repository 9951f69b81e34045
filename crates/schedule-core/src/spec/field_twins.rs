//! Two runs side by side over GF(2⁶¹ − 1).

use super::prime_field::gradient;
use crate::Hyperparameters;
use crate::field::{Field, Gf61};
use crate::optimiser::SgdState;
use crate::strategies::{RayleighQuotient, StochasticLoss};

/// A run of SGD and its twin: `θ̃ = θ/A`, `b̃ = A(b − κθ)`.
pub(super) struct FieldTwins<'a> {
    loss: &'a RayleighQuotient<Gf61>,
    step: u64,
    original: SgdState<Gf61>,
    twin: SgdState<Gf61>,
    /// `A_t`.
    pub(super) scale: Gf61,
    /// `κ_{t−1}`.
    pub(super) coefficient: Gf61,
}

impl<'a> FieldTwins<'a> {
    /// Both at their start, with `κ_{−1}`.
    pub(super) fn new(loss: &'a RayleighQuotient<Gf61>, coefficient: Gf61) -> Self {
        let original = loss.initial_state();
        let twin = original.equivalent(Gf61::ONE, coefficient);
        Self {
            loss,
            step: 0,
            original,
            twin,
            scale: Gf61::ONE,
            coefficient,
        }
    }

    /// Adds `factor` times the parameters to the twin's buffer, and says what `κ` is from now on.
    pub(super) fn shift(&mut self, factor: Gf61, coefficient: Gf61) {
        self.twin = self.twin.shifted(factor);
        self.coefficient = coefficient;
    }

    /// Takes a step of both, with what a law says `a_t` and `κ_t` are; whether the twin is the image
    /// of the original after it.
    #[must_use]
    pub(super) fn step(
        &mut self,
        original: Hyperparameters<Gf61>,
        twin: Hyperparameters<Gf61>,
        shrink: Gf61,
        coefficient: Gf61,
    ) -> bool {
        self.original = self
            .original
            .stepped(gradient(self.loss, self.step), original);
        self.twin = self.twin.stepped(gradient(self.loss, self.step), twin);
        self.step += 1;
        self.scale = shrink * self.scale;
        self.coefficient = coefficient;
        self.twin == self.original.equivalent(self.scale, self.coefficient)
    }
}
