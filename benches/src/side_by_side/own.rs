//! The engine of this workspace, timed as PyTorch is.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nn_engine::{Engine, EngineError, Split};
use nn_graph::nets::Normaliser;
use serde_json::json;

use crate::check::Failure;
use crate::training::images;
use crate::{Choice, Format, Setting, Spread, Table, Training, or_dash};

/// Seconds that a sample takes, about.
const SAMPLE: f64 = 0.3;
/// Steps of one call at most: the engine holds the batches of all.
const MOST_STEPS: usize = 400;
/// Images of a step at most, of all replicas.
const MOST_IMAGES: usize = 4096;
/// Samples of each size in the table of sizes.
const SAMPLES: usize = 5;

/// What is timed of an engine.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// The engine.
    pub engine: Choice,
    /// Layers of the PreResNet.
    pub depth: usize,
    /// Images of a batch.
    pub batch: usize,
    /// Runs side by side.
    pub replicas: usize,
    /// What convolutions multiply.
    pub format: Format,
}

/// An engine with batches of one size.
pub(super) struct Own {
    training: Training<dyn Engine>,
    contestant: Contestant,
    steps: usize,
}

impl Own {
    /// Makes the engine and trains until it is warm.
    pub(super) fn new(contestant: Contestant) -> Result<Self, Failure> {
        let setting = Setting {
            depth: contestant.depth,
            width: 16,
            normaliser: Normaliser::Batch,
            batch: contestant.batch,
            replicas: contestant.replicas,
            threads: 0,
            format: contestant.format,
        };
        let make = |steps| {
            Training::new(setting, steps, |graph, options| {
                contestant.engine.engine(graph, options)
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
            contestant,
            steps,
        })
    }

    pub(super) fn name(&self) -> String {
        let Contestant {
            batch, replicas, ..
        } = self.contestant;
        let what = self.training.what();
        match replicas {
            1 => format!("{what}, batch {batch}"),
            count => format!("{what}, batch {batch}, {count} replicas"),
        }
    }

    pub(super) fn contestant(&self) -> Contestant {
        self.contestant
    }

    /// Milliseconds a step.
    pub(super) fn sample(&mut self) -> Result<f64, Failure> {
        let start = Instant::now();
        self.training.steps()?;
        Ok(1e3 * start.elapsed().as_secs_f64() / self.steps as f64)
    }

    /// Milliseconds that evaluating so many images takes; the first call takes longer.
    fn evaluation(&mut self, count: usize) -> Result<f64, Failure> {
        let engine = self.training.engine.as_mut();
        let start = Instant::now();
        let found = engine.evaluate(0, Split::Test, &[1.0])?;
        if found.images != count {
            return Err(format!("{} of {count} images were evaluated", found.images).into());
        }
        Ok(1e3 * start.elapsed().as_secs_f64())
    }
}

/// Epochs of the paper's trainings, and steps of each: CIFAR-10's 50,000 training images in batches of 128.
const EPOCHS: usize = 200;
const STEPS_AN_EPOCH: usize = 391;

/// Times some training steps, and the evaluation of so many images, of one replica; says how long 200 epochs of 391 steps with an
/// evaluation after each take at that rate, and writes the samples, in milliseconds, into a file of JSON. Training images
/// are those of one batch, and nothing is recorded.
///
/// # Errors
/// What the engine says, or that the file cannot be written.
///
/// ```
/// use benches::side_by_side::{Contestant, epochs};
/// use benches::{Choice, Format};
/// let (engine, format) = (Choice::Cpu, Format::Full);
/// let contestant = Contestant { engine, depth: 8, batch: 4, replicas: 1, format };
/// let file = std::env::temp_dir().join(format!("texp-epochs-{}.json", std::process::id()));
/// let said = epochs(contestant, 8, &file)?;
/// assert!(said.starts_with("200 epochs take "), "{said}");
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn epochs(contestant: Contestant, test_images: usize, file: &Path) -> Result<String, Failure> {
    let mut own = Own::new(contestant)?;
    let images = Arc::new(images(test_images)?);
    own.training.engine.load_images(Split::Test, images)?;
    own.evaluation(test_images)?;
    let (mut steps, mut evaluations) = (Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        steps.push(own.sample()?);
        evaluations.push(own.evaluation(test_images)?);
    }
    let pairs = steps.iter().zip(&evaluations);
    let seconds = Spread::of(pairs.map(|(step, evaluation)| {
        1e-3 * EPOCHS as f64 * (STEPS_AN_EPOCH as f64 * step + evaluation)
    }));
    let text = format!(
        "{EPOCHS} epochs take {} s: {STEPS_AN_EPOCH} steps of {} ms and {test_images} test images in {} ms each; {}",
        or_dash(seconds),
        or_dash(Spread::of(steps.iter().copied())),
        or_dash(Spread::of(evaluations.iter().copied())),
        own.name(),
    );
    let json = json!({
        "what": own.name(), "test_images": test_images, "step_ms": steps, "evaluation_ms": evaluations,
    });
    std::fs::write(file, format!("{json}\n"))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    Ok(text)
}

/// Times `smallest` with every number of images and of replicas instead of its own; prints a table, and writes the samples, in milliseconds
/// a step of all replicas, into a file of JSON.
///
/// # Errors
/// What the engine says, but that a size does not fit is in the table; or that the file cannot be written.
pub fn sizes(
    smallest: Contestant,
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
            let contestant = Contestant {
                batch,
                replicas,
                ..smallest
            };
            let sampled = match Own::new(contestant) {
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
