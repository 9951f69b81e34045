//! Multiply-adds a second, in registers.
//!
//! Each of `CHAINS` registers takes `x ← a·x + b` again and again. A multiply-add takes four cycles
//! and a core starts at most two in each, so that eight chains are enough to keep it busy; twelve and
//! the two constants stay within the sixteen registers of AVX2.

use std::hint::black_box;

use nn_cpu::Level;

use super::timed;

/// Registers that do not wait for each other.
const CHAINS: usize = 12;

/// Factor and summand: values stay near 0.1 for ever.
const A: f32 = 0.999_999;
const B: f32 = 1e-7;

/// GFLOP/s of so many threads, each with about so many multiply-adds.
pub(super) fn gflops(level: Level, threads: usize, multiply_adds: u64) -> f64 {
    let (lanes, chain): (u64, fn(u64)) = match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the CPU has these instructions, as just asked.
        Level::Avx512 if level.supported() => (16, |rounds| unsafe { avx512(rounds) }),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the CPU has these instructions, as just asked.
        Level::Avx2 if level.supported() => (8, |rounds| unsafe { avx2(rounds) }),
        _ => (PORTABLE_LANES as u64, portable),
    };
    let a_round = lanes * CHAINS as u64;
    let rounds = multiply_adds.div_ceil(a_round);
    let seconds = timed(vec![rounds; threads], chain);
    2e-9 * (threads as u64 * rounds * a_round) as f64 / seconds
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512(rounds: u64) {
    use std::arch::x86_64::{_mm512_fmadd_ps, _mm512_set1_ps};
    let (a, b) = (_mm512_set1_ps(black_box(A)), _mm512_set1_ps(black_box(B)));
    let mut chains = [_mm512_set1_ps(0.0); CHAINS];
    for _ in 0..rounds {
        for x in &mut chains {
            *x = _mm512_fmadd_ps(a, *x, b);
        }
    }
    black_box(chains);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2(rounds: u64) {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps};
    let (a, b) = (_mm256_set1_ps(black_box(A)), _mm256_set1_ps(black_box(B)));
    let mut chains = [_mm256_set1_ps(0.0); CHAINS];
    for _ in 0..rounds {
        for x in &mut chains {
            *x = _mm256_fmadd_ps(a, *x, b);
        }
    }
    black_box(chains);
}

/// Lanes that compilers make one register of on most CPUs.
const PORTABLE_LANES: usize = 4;

/// As the engine computes without SIMD: a product and a sum.
fn portable(rounds: u64) {
    let (a, b) = (black_box(A), black_box(B));
    let mut chains = [[0.0f32; PORTABLE_LANES]; CHAINS];
    for _ in 0..rounds {
        for x in &mut chains {
            *x = x.map(|x| a * x + b);
        }
    }
    black_box(chains);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_that_the_cpu_has_gives_a_rate() {
        for level in Level::available() {
            let rate = gflops(level, 2, 1_000_000);
            assert!(rate > 0.0 && rate.is_finite(), "{rate} at {level}");
        }
    }
}
