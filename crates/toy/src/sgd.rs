//! Stochastic gradient descent on the toy, one obvious loop.

use crate::{Batch, Direction, Logit, Samples, Scratch, loss_and_gradient};

/// A run of SGD without momentum: `w ← w − η(∇L(w) + λw)`, a fresh batch every step.
///
/// The three cases of the paper are a [`Logit`] and a weight decay: weight decay alone is [`Logit::Linear`] with
/// `λ > 0`, batch normalisation alone [`Logit::BatchNorm`] with `λ = 0`, and both together with `λ > 0`.
///
/// ```
/// use toy::{Logit, Samples, Sgd};
///
/// let mut sgd = Sgd::new(Logit::BatchNorm, Samples::new(5), vec![0.0, 1.0, 0.0], 64);
/// assert_eq!(sgd.direction().error(), 0.5);
/// for _ in 0..500 {
///     sgd.step(0.1, 0.01);
/// }
/// assert!(sgd.direction().error() < 0.05);
/// ```
#[derive(Clone, Debug)]
pub struct Sgd {
    logit: Logit,
    samples: Samples,
    weights: Vec<f64>,
    steps: u64,
    batch: Batch,
    gradient: Vec<f64>,
    scratch: Scratch,
}

impl Sgd {
    /// A run from these weights, with batches of this size.
    #[must_use]
    pub fn new(logit: Logit, samples: Samples, weights: Vec<f64>, batch_size: usize) -> Self {
        Self {
            logit,
            samples,
            steps: 0,
            batch: Batch::new(weights.len(), batch_size),
            gradient: vec![0.0; weights.len()],
            scratch: Scratch::default(),
            weights,
        }
    }

    /// One step at a rate and a weight decay; the batch's loss before it.
    pub fn step(&mut self, learning_rate: f64, weight_decay: f64) -> f64 {
        self.samples.batch(self.steps, &mut self.batch);
        let loss = loss_and_gradient(
            self.logit,
            &self.weights,
            &self.batch,
            &mut self.gradient,
            &mut self.scratch,
        );
        for (w, g) in self.weights.iter_mut().zip(&self.gradient) {
            *w -= learning_rate * (g + weight_decay * *w);
        }
        self.steps += 1;
        loss
    }

    /// The weights.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Puts other weights of the same length in their place; the next batch is the same.
    pub fn set_weights(&mut self, weights: &[f64]) {
        for (own, other) in self.weights.iter_mut().zip(weights) {
            *own = *other;
        }
    }

    /// Where the weights point.
    #[must_use]
    pub fn direction(&self) -> Direction {
        Direction::of(&self.weights)
    }
}
