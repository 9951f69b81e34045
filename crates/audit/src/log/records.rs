//! From the records of a run folder to a log.

use run_records::{Manifest, Record};
use schedule_core::Hyperparameters;

use super::{LARGEST_STEP, Log, Row};
use crate::LogError;
use crate::error::one_line;

/// A run of a run folder, and what its records do not say.
#[derive(Clone, Copy, Debug)]
pub struct RunSource<'a> {
    /// The folder's manifest.
    pub manifest: &'a Manifest,
    /// Index of the run in it.
    pub run: usize,
    /// The folder's `records.jsonl`; a last line that was cut is left out.
    pub records: &'a str,
    /// Its name, for messages.
    pub file: &'a str,
}

impl Log {
    /// Reads a run of a run folder: rates and layers' norms from its records, weight decay and momentum of a step from
    /// `decay_and_momentum`.
    ///
    /// # Errors
    /// [`LogError::Record`], [`LogError::OutOfOrder`], [`LogError::Hyperparameters`] (also for a rate beyond float64), with the
    /// line; [`LogError::Empty`] for a run without steps.
    pub fn from_run(
        source: RunSource<'_>,
        decay_and_momentum: impl Fn(u64) -> (f64, f64),
    ) -> Result<Self, LogError> {
        let RunSource {
            manifest,
            run,
            records,
            file,
        } = source;
        let layers = &manifest.network.layers;
        let mut log = Self {
            rows: Vec::new(),
            series: layers.clone(),
            has_total: false,
            not_finite: None,
        };
        let mut norms: Vec<(u64, u64, Vec<f64>)> = Vec::new();
        for (number, line) in (1..).zip(records.split_inclusive('\n')) {
            let wrong = |message: String| LogError::Record {
                file: file.to_owned(),
                line: number,
                message: one_line(&message),
            };
            if line.trim().is_empty() {
                continue;
            }
            let record = match serde_json::from_str(line) {
                Ok(record) => record,
                // Left behind by a process that died.
                Err(_) if !line.ends_with('\n') => break,
                Err(error) => return Err(wrong(error.to_string())),
            };
            match record {
                Record::Step {
                    run: of,
                    step,
                    ln_rate,
                    ..
                } if of == run => {
                    if step > LARGEST_STEP {
                        return Err(wrong(format!("the step {step} is beyond 2^53")));
                    }
                    let (weight_decay, momentum) = decay_and_momentum(step);
                    // NaN is how a rate of 0 is read.
                    let learning_rate = if ln_rate.is_nan() { 0.0 } else { ln_rate.exp() };
                    let with = Hyperparameters {
                        learning_rate,
                        weight_decay,
                        momentum,
                    };
                    let refused = |error| LogError::Hyperparameters {
                        file: file.to_owned(),
                        line: number,
                        error,
                    };
                    with.validate(step).map_err(refused)?;
                    if let Some(previous) = log
                        .rows
                        .last()
                        .map(|row| row.step)
                        .filter(|&previous| previous >= step)
                    {
                        return Err(LogError::OutOfOrder {
                            file: file.to_owned(),
                            line: number,
                            step,
                            previous,
                        });
                    }
                    log.rows.push(Row {
                        step,
                        with,
                        ln_squares: vec![f64::NAN; layers.len()],
                    });
                }
                Record::Norms {
                    run: of,
                    step,
                    norms: lengths,
                    ..
                } if of == run => {
                    if lengths.len() != layers.len() {
                        let (found, wanted) = (lengths.len(), layers.len());
                        return Err(wrong(format!(
                            "it has {found} norms, the manifest {wanted} layers"
                        )));
                    }
                    norms.push((number, step, lengths));
                }
                _ => {}
            }
        }
        if log.rows.is_empty() {
            return Err(LogError::Empty {
                file: file.to_owned(),
            });
        }
        for (line, step, lengths) in norms {
            // Norms are written before the step that they belong to, which a run that was cut may lack.
            let Ok(index) = log.rows.binary_search_by_key(&step, |row| row.step) else {
                continue;
            };
            if let Some((at, &value)) = lengths.iter().enumerate().find(|(_, norm)| **norm < 0.0) {
                let column = one_line(&layers[at]);
                return Err(LogError::NegativeNorm {
                    file: file.to_owned(),
                    line,
                    column,
                    value,
                });
            }
            log.rows[index].ln_squares = lengths.iter().map(|norm| 2.0 * norm.ln()).collect();
        }
        Ok(log.with_total())
    }
}
