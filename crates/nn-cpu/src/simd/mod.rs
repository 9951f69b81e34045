//! Sixteen float32 lanes, on whatever the CPU has.
//!
//! Kernels are written once against [`Simd`] and compiled once for each [`Level`]; [`Level::run`]
//! chooses at run time. A value of a type that implements [`Simd`] proves that the CPU has its
//! instructions, so the methods are safe to call.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use std::fmt;

use portable::Portable;

/// Lanes of a vector: channels are stored in blocks of this many.
pub(crate) const LANES: usize = 16;

/// An instruction set that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Plain Rust, on any CPU; a multiply-add rounds twice.
    Portable,
    /// AVX2 and FMA: two registers for sixteen lanes.
    Avx2,
    /// AVX-512F: one register for sixteen lanes.
    Avx512,
}

impl Level {
    /// All levels that this CPU can run, slowest first.
    pub fn available() -> Vec<Level> {
        [Level::Portable, Level::Avx2, Level::Avx512]
            .into_iter()
            .filter(|l| l.supported())
            .collect()
    }

    /// The fastest level that this CPU can run.
    pub fn detect() -> Level {
        Self::available().pop().unwrap_or(Level::Portable)
    }

    /// Whether this CPU can run it.
    pub fn supported(self) -> bool {
        match self {
            Level::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Level::Avx2.supported() && is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// Runs a kernel compiled for this level.
    ///
    /// The engine holds only levels that [`supported`](Self::supported) has accepted.
    pub(crate) fn run<K: Kernel>(self, kernel: K) {
        match self {
            Level::Portable => kernel.run(Portable),
            // SAFETY: an engine is built only at a level that the CPU supports.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::run(kernel) },
            #[cfg(not(target_arch = "x86_64"))]
            _ => kernel.run(Portable),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Portable => "portable",
            Level::Avx2 => "AVX2",
            Level::Avx512 => "AVX-512",
        })
    }
}

/// A computation written against [`Simd`], with its arguments as fields.
pub(crate) trait Kernel {
    /// Does it. Implementations are `#[inline(always)]`, so that they are compiled with the
    /// instructions of the level that calls them.
    fn run<S: Simd>(self, simd: S);
}

/// Operations on sixteen float32 lanes.
pub(crate) trait Simd: Copy {
    /// Sixteen lanes.
    type Vector: Copy;
    /// Whether there are registers for tiles of 8 × 2 vectors.
    const WIDE: bool;

    /// Asks for the line that holds this value, into the nearest cache.
    fn prefetch(self, list: &[f32], at: usize);
    /// The same into the next cache, for what is not needed at once.
    fn prefetch_far(self, list: &[f32], at: usize);

    fn splat(self, value: f32) -> Self::Vector;
    fn load(self, from: &[f32; LANES]) -> Self::Vector;
    fn store(self, to: &mut [f32; LANES], value: Self::Vector);
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn sub(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a · b + c`.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `c − a · b`.
    fn neg_mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// `max(a, 0)`; NaN stays NaN, so that a diverged run shows.
    fn relu(self, a: Self::Vector) -> Self::Vector;
    /// `a` where `condition > 0`, else 0.
    fn where_positive(self, condition: Self::Vector, a: Self::Vector) -> Self::Vector;
}
