//! What this machine can do at most: multiply-adds, and bytes to and from memory.
//!
//! Loops in Rust, and the system's copy, timed in the same run as what is compared with them, since the
//! clock of a machine changes with its load and its neighbours.

mod fma;
mod memory;

use std::sync::Barrier;
use std::time::Instant;

use nn_cpu::Level;
use serde_json::{Value, json};

/// How large and how often.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Samples of each ceiling; the median counts.
    pub samples: usize,
    /// Multiply-adds of a thread in one sample.
    pub multiply_adds: u64,
    /// Bytes of a buffer in main memory.
    pub bytes: usize,
}

impl Effort {
    /// Enough for a record.
    pub const FULL: Self = Self {
        samples: 15,
        multiply_adds: 4_000_000_000,
        bytes: 256 << 20,
    };
    /// Enough to see that it works.
    pub const QUICK: Self = Self {
        samples: 3,
        multiply_adds: 100_000_000,
        bytes: 64 << 20,
    };
}

/// Samples of every ceiling, with one thread and with `threads`.
///
/// Each is `{what, threads, unit, samples}`, in GFLOP/s (a multiply-add counts two) or GB/s (what is
/// copied counts twice: read and written).
///
/// ```
/// use benches::ceilings::{Effort, measure};
/// let effort = Effort { samples: 1, multiply_adds: 1000, bytes: 1 << 16 };
/// let ceilings = measure(2, effort);
/// assert_eq!(ceilings[0]["unit"], "GFLOP/s");
/// ```
pub fn measure(threads: usize, effort: Effort) -> Vec<Value> {
    let mut counts = vec![1, threads.max(1)];
    counts.dedup();
    let level = Level::detect();
    let mut ceilings = Vec::new();
    for threads in counts {
        let samples =
            (0..effort.samples).map(|_| fma::gflops(level, threads, effort.multiply_adds));
        ceilings.push(json!({
            "what": format!("multiply-adds, {level}"),
            "threads": threads, "unit": "GFLOP/s", "samples": samples.collect::<Vec<_>>(),
        }));
        for (place, bytes) in [
            ("in main memory", effort.bytes),
            (memory::CACHED, memory::CACHED_BYTES.min(effort.bytes)),
        ] {
            let mut buffers = memory::Buffers::new(level, threads, bytes);
            for (what, rate) in [
                ("read", memory::Buffers::read as fn(&mut _) -> f64),
                ("copy", memory::Buffers::copy),
            ] {
                let samples = (0..effort.samples).map(|_| rate(&mut buffers));
                ceilings.push(json!({
                    "what": format!("{what} {place}"),
                    "threads": threads, "unit": "GB/s", "samples": samples.collect::<Vec<_>>(),
                }));
            }
        }
    }
    ceilings
}

/// Seconds from when all threads are ready until the last one has done its part of the work.
fn timed<T: Send>(parts: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) -> f64 {
    let parts: Vec<T> = parts.into_iter().collect();
    let ready = Barrier::new(parts.len());
    let (ready, work) = (&ready, &work);
    let run = |part| {
        move || {
            ready.wait();
            let start = Instant::now();
            work(part);
            (start, Instant::now())
        }
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = parts
            .into_iter()
            .map(|part| scope.spawn(run(part)))
            .collect();
        // A thread that panicked took no time; its message is on standard error.
        let times: Vec<_> = running
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect();
        let first = times.iter().map(|(start, _)| *start).min();
        let last = times.iter().map(|(_, end)| *end).max();
        first
            .zip(last)
            .map_or(f64::NAN, |(first, last)| (last - first).as_secs_f64())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ceiling_is_a_rate() {
        let effort = Effort {
            samples: 2,
            multiply_adds: 1_000_000,
            bytes: 1 << 20,
        };
        let ceilings = measure(2, effort);
        // Multiply-adds, and two ways in two places, by one thread and by two.
        assert_eq!(ceilings.len(), 2 * 5);
        assert_eq!(measure(1, effort).len(), 5);
        for ceiling in ceilings {
            let samples = ceiling["samples"].as_array().unwrap();
            assert_eq!(samples.len(), 2);
            assert!(
                samples.iter().all(|rate| rate.as_f64().unwrap() > 0.0),
                "{ceiling}"
            );
        }
    }

    #[test]
    fn the_time_is_that_of_the_slowest_part() {
        let nap = |ms| std::thread::sleep(std::time::Duration::from_millis(ms));
        assert!(timed([1, 30, 2], nap) >= 0.03);
    }
}
