//! Random numbers that depend on nothing but a seed, a purpose and a counter.
//!
//! Written out down to the bits, so that a new release of a random number library cannot change which
//! batches a seed means.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What numbers are for: streams of different purposes share nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    EpochOrder = 1,
    Augmentation = 2,
    SyntheticTrain = 3,
    SyntheticTest = 4,
}

/// A stream of random numbers.
pub(crate) struct Stream(ChaCha8Rng);

impl Stream {
    pub(crate) fn new(seed: u64, purpose: Purpose, counter: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = purpose as u8;
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(counter);
        Self(generator)
    }

    /// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in `0..bound`, without bias (Lemire 2019); 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(bound);
            let low = product as u32;
            // The first `2³² mod bound` of every residue class are left out.
            if low >= bound || low >= bound.wrapping_neg().checked_rem(bound).unwrap_or(0) {
                return (product >> 32) as u32;
            }
        }
    }

    /// Heads or tails.
    pub(crate) fn coin(&mut self) -> bool {
        self.0.next_u32() >> 31 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_uniform_and_stays_below() {
        let mut stream = Stream::new(1, Purpose::EpochOrder, 0);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        // Standard deviation 93.
        assert!(
            counts.iter().all(|&n| n.abs_diff(10_000) < 500),
            "{counts:?}"
        );
        assert_eq!(stream.below(0), 0);
        assert_eq!(stream.below(1), 0);
        // A bound whose rejected part is nearly half of the range.
        let bound = (1 << 31) + 1;
        assert!((0..1000).all(|_| stream.below(bound) < bound));
    }

    #[test]
    fn purposes_seeds_and_counters_give_different_numbers() {
        let first = |seed, purpose, counter| Stream::new(seed, purpose, counter).uniform();
        let all = [
            first(0, Purpose::EpochOrder, 0),
            first(1, Purpose::EpochOrder, 0),
            first(0, Purpose::Augmentation, 0),
            first(0, Purpose::EpochOrder, 1),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn numbers_never_change() {
        let mut stream = Stream::new(42, Purpose::Augmentation, 7);
        let numbers = [stream.below(1000), stream.below(1000), stream.below(1000)];
        assert_eq!(numbers, [268, 965, 547]);
    }
}
