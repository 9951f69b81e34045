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
        let mut reader = Reader {
            source,
            decay_and_momentum,
            rows: Vec::new(),
            norms: Vec::new(),
        };
        for (number, line) in (1..).zip(source.records.split_inclusive('\n')) {
            if line.trim().is_empty() {
                continue;
            }
            match serde_json::from_str(line) {
                Ok(record) => reader.add(number, record)?,
                // Left behind by a process that died.
                Err(_) if !line.ends_with('\n') => break,
                Err(error) => return Err(reader.wrong(number, &error.to_string())),
            }
        }
        reader.log()
    }
}

/// A run, as far as it is read.
struct Reader<'a, F> {
    source: RunSource<'a>,
    decay_and_momentum: F,
    rows: Vec<Row>,
    /// Line, step and lengths: norms are written before the step that they belong to.
    norms: Vec<(u64, u64, Vec<f64>)>,
}

impl<F: Fn(u64) -> (f64, f64)> Reader<'_, F> {
    fn file(&self) -> String {
        self.source.file.to_owned()
    }

    fn layers(&self) -> &[String] {
        &self.source.manifest.network.layers
    }

    fn wrong(&self, line: u64, message: &str) -> LogError {
        LogError::Record {
            file: self.file(),
            line,
            message: one_line(message),
        }
    }

    fn add(&mut self, line: u64, record: Record) -> Result<(), LogError> {
        match record {
            Record::Step {
                run, step, ln_rate, ..
            } if run == self.source.run => self.add_step(line, step, ln_rate),
            Record::Norms {
                run, step, norms, ..
            } if run == self.source.run => {
                let (found, wanted) = (norms.len(), self.layers().len());
                if found != wanted {
                    let message = format!("it has {found} norms, the manifest {wanted} layers");
                    return Err(self.wrong(line, &message));
                }
                self.norms.push((line, step, norms));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_step(&mut self, line: u64, step: u64, ln_rate: f64) -> Result<(), LogError> {
        if step > LARGEST_STEP {
            return Err(self.wrong(line, &format!("the step {step} is beyond 2^53")));
        }
        let previous = self.rows.last().map(|row| row.step);
        if let Some(previous) = previous.filter(|&previous| previous >= step) {
            let file = self.file();
            return Err(LogError::OutOfOrder {
                file,
                line,
                step,
                previous,
            });
        }
        let (weight_decay, momentum) = (self.decay_and_momentum)(step);
        // NaN is how a rate of 0 is read.
        let learning_rate = if ln_rate.is_nan() { 0.0 } else { ln_rate.exp() };
        let with = Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        };
        with.validate(step)
            .map_err(|error| LogError::Hyperparameters {
                file: self.file(),
                line,
                error,
            })?;
        let ln_squares = vec![f64::NAN; self.layers().len()];
        self.rows.push(Row {
            step,
            with,
            ln_squares,
        });
        Ok(())
    }

    fn log(mut self) -> Result<Log, LogError> {
        if self.rows.is_empty() {
            return Err(LogError::Empty { file: self.file() });
        }
        for (line, step, lengths) in std::mem::take(&mut self.norms) {
            // A run that was cut may lack the step.
            let Ok(index) = self.rows.binary_search_by_key(&step, |row| row.step) else {
                continue;
            };
            let negative = lengths
                .iter()
                .zip(self.layers())
                .find(|(norm, _)| **norm < 0.0);
            if let Some((&value, layer)) = negative {
                let (file, column) = (self.file(), one_line(layer));
                return Err(LogError::NegativeNorm {
                    file,
                    line,
                    column,
                    value,
                });
            }
            self.rows[index].ln_squares = lengths.iter().map(|norm| 2.0 * norm.ln()).collect();
        }
        let log = Log {
            series: self.layers().to_vec(),
            rows: self.rows,
            has_total: false,
            not_finite: None,
        };
        Ok(log.with_total())
    }
}
