//! Bytes a second to and from memory.

use nn_cpu::Level;

use super::timed;

/// Bytes of two buffers that fit into the last cache of most CPUs, and not into those before it.
pub(super) const CACHED_BYTES: usize = 4 << 20;

/// What they are called.
pub(super) const CACHED: &str = "in cache, 2 × 4 MiB";

/// Bytes of one buffer that a sample passes over, many times if it is small: threads take some time
/// to start.
const BYTES_A_SAMPLE: usize = 256 << 20;

/// A source and a target, cut into a part for each thread.
pub(super) struct Buffers {
    level: Level,
    threads: usize,
    source: Vec<u64>,
    target: Vec<u64>,
    passes: usize,
}

impl Buffers {
    /// Two buffers of so many bytes, every page of them written.
    pub(super) fn new(level: Level, threads: usize, bytes: usize) -> Self {
        let words = bytes / size_of::<u64>();
        Self {
            level,
            threads,
            source: (0..words as u64).collect(),
            target: vec![1; words],
            passes: (BYTES_A_SAMPLE / bytes.max(1)).clamp(1, 64),
        }
    }

    /// GB/s of reading both.
    pub(super) fn read(&mut self) -> f64 {
        let part = self.part();
        let parts = self.source.chunks(part).zip(self.target.chunks(part));
        let Self { passes, level, .. } = *self;
        let seconds = timed(parts, |(a, b)| {
            for _ in 0..passes {
                std::hint::black_box(sum(level, a).wrapping_add(sum(level, b)));
            }
        });
        self.gigabytes() / seconds
    }

    /// GB/s of copying one to the other: what is read and what is written.
    pub(super) fn copy(&mut self) -> f64 {
        let part = self.part();
        let parts = self.target.chunks_mut(part).zip(self.source.chunks(part));
        let passes = self.passes;
        let seconds = timed(parts, |(to, from)| {
            for _ in 0..passes {
                to.copy_from_slice(from);
                std::hint::black_box(&mut *to);
            }
        });
        self.gigabytes() / seconds
    }

    fn part(&self) -> usize {
        self.source.len().div_ceil(self.threads).max(1)
    }

    fn gigabytes(&self) -> f64 {
        let words = self.passes * (self.source.len() + self.target.len());
        1e-9 * (words * size_of::<u64>()) as f64
    }
}

/// With the widest registers there are: a cache gives more than narrow ones take.
fn sum(level: Level, words: &[u64]) -> u64 {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the CPU has these instructions, as just asked.
        Level::Avx512 if level.supported() => unsafe { avx512(words) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the CPU has these instructions, as just asked.
        Level::Avx2 if level.supported() => unsafe { avx2(words) },
        _ => plain(words),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(words: &[u64]) -> u64 {
    plain(words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(words: &[u64]) -> u64 {
    plain(words)
}

/// In 64 sums, so that none waits for another.
#[inline(always)]
fn plain(words: &[u64]) -> u64 {
    let mut sums = [0u64; 64];
    let blocks = words.chunks_exact(sums.len());
    let rest = blocks.remainder();
    for block in blocks {
        for (sum, word) in sums.iter_mut().zip(block) {
            *sum = sum.wrapping_add(*word);
        }
    }
    let words = sums.iter().chain(rest);
    words.fold(0, |sum, word| sum.wrapping_add(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read() {
        let words: Vec<u64> = (0..1003).collect();
        for level in Level::available() {
            assert_eq!(sum(level, &words), 1003 * 1002 / 2, "{level}");
        }
    }

    #[test]
    fn every_word_is_copied() {
        let mut buffers = Buffers::new(Level::detect(), 3, 8 * 1000);
        buffers.copy();
        assert_eq!(buffers.source, buffers.target);
    }
}
