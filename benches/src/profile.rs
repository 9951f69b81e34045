//! Where the time of a training step of nn-cuda goes, kernel by kernel.

use std::error::Error;
use std::fs;
use std::path::Path;

use nn_cuda::CudaEngine;
use nn_engine::{GroupHyper, HyperTable};
use serde_json::json;

use crate::{Setting, Spread, Table, Training, or_dash, percent};

/// Times each launch of the step of `setting` in `rounds` steps, after two to warm up; prints a table of the kernels and
/// writes the medians of every launch into a file of JSON.
///
/// Launches are timed one by one, so that their sum is more than a step takes, in which they are one graph.
///
/// # Errors
/// What the engine says, also that there is no GPU; or that the file cannot be written.
pub fn profile(setting: Setting, rounds: usize, file: &Path) -> Result<String, Box<dyn Error>> {
    let make = |graph: &_, options| CudaEngine::new(graph, options).map(Box::new);
    let mut training: Training<CudaEngine> = Training::new(setting, 1, make)?;
    let launches = training.engine.launches()?;
    let hyper = |_, _, _| GroupHyper::new(0.01, 1e-4, 0.9);
    let hyper = HyperTable::from_fn(1, setting.replicas, 1, hyper)?;
    let batch = &training.batches[0];
    let mut seconds = vec![Vec::new(); launches.len()];
    for round in 0..rounds + 2 {
        let times = training.engine.profile(batch, &hyper)?;
        if round >= 2 {
            for (seconds, time) in seconds.iter_mut().zip(times) {
                seconds.push(time);
            }
        }
    }
    let median = |seconds: Vec<f64>| Spread::of(seconds).map_or(f64::NAN, |spread| spread.median);
    let medians: Vec<f64> = seconds.into_iter().map(median).collect();
    let (table, total) = by_kernel(&launches, &medians);
    println!("{table}");
    let rows = launches.iter().zip(&medians);
    let rows: Vec<_> = rows
        .map(|(kernel, seconds)| json!({ "kernel": kernel, "seconds": seconds }))
        .collect();
    fs::write(file, format!("{}\n", json!(rows)))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(format!(
        "{} launches, {:.3} ms one by one, medians of {rounds} steps",
        launches.len(),
        1e3 * total
    ))
}

/// A table of the kernels, the slowest first, and the seconds of all.
fn by_kernel(launches: &[&str], seconds: &[f64]) -> (String, f64) {
    let mut kernels: Vec<(&str, usize, f64)> = Vec::new();
    for (&name, &time) in launches.iter().zip(seconds) {
        match kernels.iter_mut().find(|kernel| kernel.0 == name) {
            Some((_, count, sum)) => (*count, *sum) = (*count + 1, *sum + time),
            None => kernels.push((name, 1, time)),
        }
    }
    kernels.sort_by(|a, b| b.2.total_cmp(&a.2));
    let total: f64 = seconds.iter().sum();
    let mut table = Table::new(["kernel", "launches", "µs", "µs each", "share"]);
    for (name, count, sum) in kernels {
        table.row(vec![
            name.to_owned(),
            count.to_string(),
            or_dash(Spread::of([1e6 * sum])),
            or_dash(Spread::of([1e6 * sum / count as f64])),
            percent(sum / total),
        ]);
    }
    (table.markdown(), total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_of_a_kernel_are_one_row() {
        let (table, total) = by_kernel(&["conv", "norm", "conv"], &[1e-6, 3e-6, 4e-6]);
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows.len(), 2);
        assert!(
            rows[0].starts_with("| conv   |        2 | 5.00 |    2.50 |  62 % |"),
            "{table}"
        );
        assert!((total - 8e-6).abs() < 1e-12);
    }
}
