//! The data: Gaussian inputs, and the sign of their first coordinate as label.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// What numbers are for: streams of different purposes share nothing.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Batch = 1,
    Start = 2,
}

/// The source of all batches of a run, and of where it starts: `x ~ N(0, I_m)`, `y = sign(x_1)`.
///
/// A batch depends on the seed and its step alone, so two runs with one seed see the same data, whatever else
/// differs between them and on whatever thread they are.
///
/// ```
/// use toy::{Batch, Samples};
///
/// let samples = Samples::new(7);
/// let (mut one, mut other) = (Batch::new(3, 4), Batch::new(3, 4));
/// samples.batch(41, &mut one);
/// samples.batch(42, &mut other);
/// assert_ne!(one, other);
/// samples.batch(41, &mut other);
/// assert_eq!(one, other);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Samples {
    seed: u64,
    trial: u64,
}

/// Inputs of one step, and their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    dimension: usize,
    /// Sample by sample.
    inputs: Vec<f64>,
}

impl Samples {
    /// Those of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, trial: 0 }
    }

    /// One of many runs with a seed; the first is [`new`](Self::new)'s.
    #[must_use]
    pub fn of_trial(seed: u64, trial: u64) -> Self {
        Self { seed, trial }
    }

    /// Fills a batch with the samples of a step.
    pub fn batch(&self, step: u64, batch: &mut Batch) {
        fill(&mut self.generator(Purpose::Batch, step), &mut batch.inputs);
    }

    /// A direction that is uniform on the unit sphere of this dimension.
    #[must_use]
    pub fn direction(&self, dimension: usize) -> Vec<f64> {
        let mut direction = vec![0.0; dimension];
        fill(&mut self.generator(Purpose::Start, 0), &mut direction);
        let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        direction.iter_mut().for_each(|x| *x /= norm);
        direction
    }

    fn generator(&self, purpose: Purpose, counter: u64) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.trial.to_le_bytes());
        key[16] = purpose as u8;
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(counter);
        generator
    }
}

fn fill(generator: &mut impl Rng, values: &mut [f64]) {
    for value in values {
        *value = StandardNormal.sample(generator);
    }
}

impl Batch {
    /// A batch of `size` samples of dimension `m`, all 0.
    #[must_use]
    pub fn new(dimension: usize, size: usize) -> Self {
        Self {
            dimension,
            inputs: vec![0.0; dimension * size],
        }
    }

    /// `(x, y)` of each sample, `y` being 1 or −1.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = (&[f64], f64)> {
        // A chunk has at least one coordinate, and its label is the sign of the first.
        let dimension = self.dimension.max(1);
        self.inputs
            .chunks_exact(dimension)
            .map(|x| (x, 1f64.copysign(x[0])))
    }

    /// Number of samples.
    #[must_use]
    pub fn size(&self) -> usize {
        self.inputs.len() / self.dimension.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_a_gaussian() {
        let (mut batch, mut sums) = (Batch::new(5, 40_000), [0.0; 4]);
        Samples::new(3).batch(0, &mut batch);
        for (x, y) in batch.samples() {
            assert_eq!(y > 0.0, x[0] > 0.0);
            for value in x {
                for (sum, power) in sums.iter_mut().zip(1..) {
                    *sum += value.powi(power) / 200_000.0;
                }
            }
        }
        // Five standard errors each: √(1, 2, 15, 96)/√n.
        for ((sum, expected), variance) in sums
            .iter()
            .zip([0.0, 1.0, 0.0, 3.0])
            .zip([1f64, 2.0, 15.0, 96.0])
        {
            assert!(
                (sum - expected).abs() < 5.0 * (variance / 200_000.0).sqrt(),
                "{sums:?}"
            );
        }
    }

    #[test]
    fn seeds_trials_steps_and_purposes_share_nothing() {
        let first = |seed, trial, purpose, counter| -> f64 {
            StandardNormal.sample(&mut Samples::of_trial(seed, trial).generator(purpose, counter))
        };
        let all = [
            first(0, 0, Purpose::Batch, 0),
            first(1, 0, Purpose::Batch, 0),
            first(0, 1, Purpose::Batch, 0),
            first(0, 0, Purpose::Start, 0),
            first(0, 0, Purpose::Batch, 1),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| one != other));
        }
    }

    #[test]
    fn nothing_is_no_panic() {
        assert_eq!(Batch::new(0, 3).samples().len(), 0);
        assert_eq!(Batch::new(3, 0).size(), 0);
        assert!(Samples::new(0).direction(0).is_empty());
    }
}
