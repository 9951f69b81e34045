//! The engine of this workspace, timed as PyTorch is.

use std::path::Path;
use std::time::Instant;

use nn_engine::{Engine, EngineError};
use nn_graph::nets::Normaliser;
use serde_json::json;

use crate::check::Failure;
use crate::{Choice, Setting, Spread, Table, Training, or_dash};

/// Seconds that a sample takes, about.
const SAMPLE: f64 = 0.3;
/// Steps of one call at most: the engine holds the batches of all.
const MOST_STEPS: usize = 400;
/// Images of a step at most, of all replicas.
const MOST_IMAGES: usize = 4096;
/// Samples of each size in the table of sizes.
const SAMPLES: usize = 5;

/// An engine with batches of one size.
pub(super) struct Own {
    training: Training<dyn Engine>,
    batch: usize,
    steps: usize,
}

impl Own {
    /// Makes the engine and trains until it is warm.
    pub(super) fn new(
        choice: Choice,
        depth: usize,
        batch: usize,
        replicas: usize,
    ) -> Result<Self, Failure> {
        let setting = Setting {
            depth,
            width: 16,
            normaliser: Normaliser::Batch,
            batch,
            replicas,
            threads: 0,
        };
        let make = |steps| {
            Training::new(setting, steps, |graph, options| {
                choice.engine(graph, options)
            })
        };
        // How long a step takes when all is loaded says how many make a sample.
        let mut few = make(2)?;
        few.steps()?;
        let start = Instant::now();
        few.steps()?;
        let step = start.elapsed().as_secs_f64() / 2.0;
        drop(few);
        let steps = ((SAMPLE / step) as usize).clamp(2, MOST_STEPS);
        let mut training = make(steps)?;
        training.steps()?;
        Ok(Self {
            training,
            batch,
            steps,
        })
    }

    pub(super) fn name(&self) -> String {
        format!("{}, batch {}", self.training.what(), self.batch)
    }

    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    /// Milliseconds a step.
    pub(super) fn sample(&mut self) -> Result<f64, Failure> {
        let start = Instant::now();
        self.training.steps()?;
        Ok(1e3 * start.elapsed().as_secs_f64() / self.steps as f64)
    }
}

/// Times the engine with every number of images and of replicas; prints a table, and writes the samples, in milliseconds
/// a step of all replicas, into a file of JSON.
///
/// # Errors
/// What the engine says, but that a size does not fit is in the table; or that the file cannot be written.
pub fn sizes(
    choice: Choice,
    depth: usize,
    batches: &[usize],
    replicas: &[usize],
    file: &Path,
) -> Result<String, Failure> {
    let mut head = vec!["images/s, batch".to_owned()];
    head.extend(replicas.iter().map(|count| match count {
        1 => "1 replica".to_owned(),
        count => format!("{count} replicas"),
    }));
    let mut table = Table::with_head(head);
    let mut rows = Vec::new();
    let (mut most, mut place) = (0.0, String::new());
    for &batch in batches {
        let mut cells = vec![batch.to_string()];
        for &replicas in replicas {
            if batch * replicas > MOST_IMAGES {
                cells.push(or_dash(None::<f64>));
                continue;
            }
            let sampled = match Own::new(choice, depth, batch, replicas) {
                Ok(mut own) => (0..SAMPLES)
                    .map(|_| own.sample())
                    .collect::<Result<Vec<f64>, _>>()?,
                Err(error) if is_memory(error.as_ref()) => {
                    cells.push("does not fit".to_owned());
                    continue;
                }
                Err(error) => return Err(error),
            };
            let images = (batch * replicas) as f64;
            let rate = Spread::of(sampled.iter().map(|ms| 1e3 * images / ms));
            if let Some(rate) = rate.filter(|rate| rate.median > most) {
                (most, place) = (rate.median, format!("batch {batch}, {replicas} replicas"));
            }
            cells.push(or_dash(rate));
            rows.push(json!({ "batch": batch, "replicas": replicas, "step_ms": sampled }));
        }
        table.row(cells);
    }
    println!("{}", table.markdown());
    std::fs::write(file, format!("{}\n", json!(rows)))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(format!("at most {most:.0} images/s, {place}"))
}

/// Whether an engine was refused for want of memory.
fn is_memory(error: &(dyn std::error::Error + 'static)) -> bool {
    use EngineError::{DeviceMemory, Memory};
    let error = error.downcast_ref::<EngineError>();
    error.is_some_and(|error| matches!(error, Memory { .. } | DeviceMemory { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_does_not_fit_is_no_failure() {
        let what = "batches";
        assert!(is_memory(&EngineError::Memory {
            what,
            bytes: 1 << 60
        }));
        let (bytes, free) = (2 << 30, 1 << 30);
        let (batch, replicas) = (64, 1);
        assert!(is_memory(&EngineError::DeviceMemory {
            bytes,
            free,
            batch,
            replicas
        }));
        assert!(!is_memory(&EngineError::Options(String::new())));
    }
}
