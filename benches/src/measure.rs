//! What every program says of the training steps that it timed, as one line of JSON.
//!
//! The programs of the peers are workspaces of their own and include this file, so that all are timed
//! by the same lines; `peers/pytorch.py` does the same in Python. It needs nothing but `std` and
//! `serde_json`.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

/// Ticks of `/proc` in a second: Linux shows the same to every program, whatever the kernel counts.
const TICKS: f64 = 100.0;

/// Times steps, from a program's start.
#[derive(Debug)]
pub struct Meter {
    start_mb: Option<f64>,
}

impl Meter {
    /// To be made before anything of a network exists: what is resident now is not what it takes.
    pub fn new() -> Self {
        Self {
            start_mb: resident("VmRSS"),
        }
    }

    /// Takes `warm_up` samples and then `samples`, each by a call of `train`, which trains
    /// `steps_a_sample` steps on batches of `batch` images and gives the last loss.
    ///
    /// The line: `what` was timed, `batch` (images), `step_ms` (milliseconds a step, one for each
    /// sample), `steps_a_sample`, `start_mb` and `peak_mb` (resident before and at most; null where
    /// there is no `/proc`), `others_busy` (cores that other processes used meanwhile; null likewise)
    /// and `loss` (the last one).
    ///
    /// # Errors
    /// What `train` returns.
    ///
    /// ```
    /// let line = benches::Meter::new().time("nothing", [1, 1], [0, 3], || Ok::<_, String>(0.5))?;
    /// assert_eq!(line["step_ms"].as_array().map(Vec::len), Some(3));
    /// assert_eq!(line["loss"], 0.5);
    /// # Ok::<(), String>(())
    /// ```
    pub fn time<E>(
        self,
        what: &str,
        [batch, steps_a_sample]: [usize; 2],
        [warm_up, samples]: [usize; 2],
        mut train: impl FnMut() -> Result<f64, E>,
    ) -> Result<Value, E> {
        for _ in 0..warm_up {
            train()?;
        }
        let (busy, start) = (cpu_seconds(), Instant::now());
        let mut step_ms = Vec::with_capacity(samples);
        let mut loss = f64::NAN;
        for _ in 0..samples {
            let start = Instant::now();
            loss = train()?;
            step_ms.push(start.elapsed().as_secs_f64() * 1e3 / steps_a_sample as f64);
        }
        let wall = start.elapsed().as_secs_f64();
        let others = |([own0, all0], [own1, all1]): ([f64; 2], [f64; 2])| {
            // Both are rounded to ticks, so that the difference may fall below nothing.
            (((all1 - all0) - (own1 - own0)) / wall).max(0.0)
        };
        Ok(json!({
            "what": what,
            "batch": batch,
            "step_ms": step_ms,
            "steps_a_sample": steps_a_sample,
            "start_mb": self.start_mb,
            "peak_mb": resident("VmHWM"),
            "others_busy": busy.zip(cpu_seconds()).map(others),
            "loss": loss,
        }))
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

/// A size in `/proc/self/status`, in MB.
fn resident(field: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// CPU seconds of this process and of all, since they started.
fn cpu_seconds() -> Option<[f64; 2]> {
    let own = fs::read_to_string("/proc/self/stat").ok()?;
    let all = fs::read_to_string("/proc/stat").ok()?;
    Some([own_ticks(&own)? / TICKS, all_ticks(&all)? / TICKS])
}

/// User and system time in a line of `/proc/PID/stat`: the 14th and 15th of its fields, of which the
/// second, a name in parentheses, may hold anything.
fn own_ticks(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some(next()? + next()?)
}

/// Time of all cores in the first line of `/proc/stat`, but what they idled and waited for disks.
fn all_ticks(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    // user nice system idle iowait irq softirq steal; guests are counted among users.
    let fields = line.split_whitespace().map(str::parse::<f64>);
    let fields: Vec<f64> = fields.collect::<Result<_, _>>().ok()?;
    (fields.len() >= 8).then(|| fields[..3].iter().chain(&fields[5..8]).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_behind_any_name() {
        let stat = "7 (a ) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 31 5 6 20 0 2 0 99";
        assert_eq!(own_ticks(stat), Some(281.0));
        assert_eq!(own_ticks("7 no name"), None);
    }

    #[test]
    fn idle_cores_are_not_busy() {
        let stat = "cpu  10 20 30 4000 500 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
        assert_eq!(all_ticks(stat), Some(81.0));
        assert_eq!(all_ticks("cpu  1 2 3"), None);
    }

    #[test]
    fn a_line_says_what_was_timed() {
        let mut calls = 0;
        let line = Meter::new().time("naps", [4, 2], [2, 3], || {
            calls += 1;
            std::thread::sleep(std::time::Duration::from_millis(4));
            Ok::<_, String>(f64::from(calls))
        });
        let line = line.unwrap();
        let times = line["step_ms"].as_array().unwrap();
        assert_eq!((calls, times.len()), (5, 3));
        // Two steps in each sample of at least 4 ms.
        assert!(times.iter().all(|ms| ms.as_f64().unwrap() >= 2.0));
        assert_eq!((&line["batch"], &line["loss"]), (&json!(4), &json!(5.0)));
        if cfg!(target_os = "linux") {
            assert!(line["peak_mb"].as_f64() >= line["start_mb"].as_f64());
            assert!(line["others_busy"].is_number());
        }
    }
}
