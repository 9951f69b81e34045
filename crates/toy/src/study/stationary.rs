//! A run in its stationary state, watched.

use std::f64::consts::PI;

use super::Observation;
use crate::experiment::Stationary;
use crate::theory::Equilibrium;
use crate::{Direction, Logit, Population, Samples, Sgd};

/// What can be stepped.
pub(super) enum Chain {
    Batches(Box<Sgd>),
    Population(Population),
}

impl Chain {
    /// SGD at its predicted equilibrium: its norm, and its angle in a random direction off the axis.
    pub(super) fn at_equilibrium(
        logit: Logit,
        samples: Samples,
        dimension: usize,
        batch_size: usize,
        learning_rate: f64,
        intrinsic_rate: f64,
    ) -> Self {
        let equilibrium = Equilibrium::new(logit, dimension, batch_size as f64, intrinsic_rate);
        let norm = equilibrium.norm_squared(learning_rate).sqrt();
        let weights = off_axis(samples, dimension, norm, equilibrium.rms_angle());
        Self::Batches(Box::new(Sgd::new(logit, samples, weights, batch_size)))
    }

    pub(super) fn step(&mut self, learning_rate: f64, weight_decay: f64) {
        match self {
            Self::Batches(sgd) => {
                sgd.step(learning_rate, weight_decay);
            }
            Self::Population(population) => population.step(learning_rate, weight_decay),
        }
    }

    pub(super) fn direction(&self) -> Direction {
        match self {
            Self::Batches(sgd) => sgd.direction(),
            Self::Population(population) => population.direction(),
        }
    }
}

/// Weights of this norm at this angle from the axis, in a random direction off it.
pub(super) fn off_axis(samples: Samples, dimension: usize, norm: f64, angle: f64) -> Vec<f64> {
    let others = samples.direction(dimension.saturating_sub(1));
    let off = others.iter().map(|v| norm * angle.sin() * v);
    std::iter::once(norm * angle.cos()).chain(off).collect()
}

/// Rate and decay of a run, and how long it is watched.
pub(super) struct Watch {
    pub(super) learning_rate: f64,
    pub(super) weight_decay: f64,
    pub(super) stationary: Stationary,
    /// `ε`.
    pub(super) epsilon: f64,
}

/// What was seen of a run.
pub(super) struct Seen {
    mean_error: f64,
    rms_error: f64,
    mean_norm_squared: f64,
    /// Steps.
    longest_below: u64,
    intrinsic_rate: f64,
}

impl Watch {
    pub(super) fn run(&self, mut chain: Chain) -> Seen {
        let intrinsic_rate = self.learning_rate * self.weight_decay;
        let steps = |units: f64| (units / intrinsic_rate).ceil() as u64;
        for _ in 0..steps(self.stationary.burn_in) {
            chain.step(self.learning_rate, self.weight_decay);
        }
        let measured = steps(self.stationary.measured);
        let (mut sum, mut squares, mut norms) = (0.0, 0.0, 0.0);
        let (mut below, mut longest_below) = (0, 0);
        for _ in 0..measured {
            chain.step(self.learning_rate, self.weight_decay);
            let direction = chain.direction();
            let angle = direction.angle();
            sum += angle;
            squares += angle * angle;
            norms += direction.norm_squared();
            below = if angle > self.epsilon { 0 } else { below + 1 };
            longest_below = longest_below.max(below);
        }
        let count = measured as f64;
        Seen {
            mean_error: sum / count / PI,
            rms_error: (squares / count).sqrt() / PI,
            mean_norm_squared: norms / count,
            longest_below,
            intrinsic_rate,
        }
    }
}

impl Seen {
    /// The error, against what theory says of its angle.
    pub(super) fn error(&self, x: f64, predicted_angle: f64) -> Vec<Observation> {
        let predicted = predicted_angle / PI;
        let mean = self.mean_error / self.intrinsic_rate.sqrt();
        [
            ("log10-rms-error", self.rms_error.log10()),
            ("log10-predicted-rms-error", predicted.log10()),
            ("rms-over-predicted", self.rms_error / predicted),
            ("mean-error-over-root", mean),
        ]
        .map(|(quantity, y)| Observation { quantity, x, y })
        .into()
    }

    /// The same, and what else theory says of normalisation with weight decay.
    pub(super) fn both(&self, x: f64, angle: f64, norm_squared: f64) -> Vec<Observation> {
        let mut observations = self.error(x, angle);
        let longest = self.longest_below as f64 * self.intrinsic_rate;
        let norm = self.mean_norm_squared / norm_squared;
        observations.extend(
            [("longest-below", longest), ("norm-over-predicted", norm)]
                .map(|(quantity, y)| Observation { quantity, x, y }),
        );
        observations
    }
}
