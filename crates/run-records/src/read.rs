//! Reading a run folder, line by line.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::{
    Ending, EpochPoint, LawPoint, Manifest, NormPoint, Record, RecordsError, Run, RunFolder,
    Sitting, StepPoint,
};

impl RunFolder {
    /// Reads `experiment.toml`, `manifest.json`, `sittings.json` and `records.jsonl` of a folder.
    ///
    /// # Errors
    /// [`RecordsError`] names the file, and the line where one is at fault: a file is missing or is not what it should
    /// be, a record names a run that the manifest does not have, or goes back in time. A last line that is cut in the
    /// middle is no error: see [`Ending`].
    pub fn read(run_folder: &Path) -> Result<Self, RecordsError> {
        let manifest = Manifest::read(run_folder)?;
        let sittings = Sitting::read_all(run_folder)?;
        let toml = run_folder.join("experiment.toml");
        let experiment = fs::read(&toml).map_err(unreadable(&toml))?;
        // Only shown, so bytes that are no UTF-8 need not stop a report.
        let experiment = String::from_utf8_lossy(&experiment).into_owned();
        let runs = manifest.runs.iter().cloned().map(Run::new).collect();
        let ending = Ending::Unfinished { cut_line: None };
        let mut folder = Self {
            manifest,
            experiment,
            runs,
            sittings,
            ending,
        };
        folder.read_records(&run_folder.join("records.jsonl"))?;
        folder.runs.iter_mut().for_each(Run::complete_norms);
        Ok(folder)
    }

    fn read_records(&mut self, path: &Path) -> Result<(), RecordsError> {
        let mut reader = BufReader::new(File::open(path).map_err(unreadable(path))?);
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            let read = reader.read_until(b'\n', &mut bytes);
            if read.map_err(unreadable(path))? == 0 {
                break;
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice(&bytes) {
                Ok(record) => self.add(record, path, line)?,
                // A process that dies leaves half a line, and only the last can lack its end.
                Err(_) if bytes.last() != Some(&b'\n') => {
                    self.ending = Ending::Unfinished {
                        cut_line: Some(line),
                    };
                }
                Err(source) => {
                    return Err(RecordsError::Record {
                        path: path.to_owned(),
                        line,
                        source,
                    });
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, record: Record, path: &Path, line: u64) -> Result<(), RecordsError> {
        let place = Place { path, line };
        match record {
            Record::Step {
                run,
                step,
                loss,
                ln_rate,
            } => {
                let steps = &mut place.run(&mut self.runs, run)?.steps;
                place.after(run, step, steps.last().map(|point| point.step))?;
                steps.push(StepPoint {
                    step,
                    loss,
                    ln_rate,
                });
            }
            Record::Norms {
                run,
                step,
                norms,
                effective_rates,
                distances,
            } => {
                let run_history = place.run(&mut self.runs, run)?;
                let power = run_history.record.norm_power();
                let points = &mut run_history.norms;
                place.after(run, step, points.last().map(|point| point.step))?;
                points.push(NormPoint::new(
                    step,
                    power,
                    &norms,
                    &effective_rates,
                    &distances,
                ));
            }
            Record::Epoch {
                run,
                epoch,
                step,
                train_loss,
                train_accuracy,
                test_loss,
                test_accuracy,
            } => {
                let epochs = &mut place.run(&mut self.runs, run)?.epochs;
                place.after(run, step, epochs.last().map(|point| point.step))?;
                epochs.push(EpochPoint {
                    epoch,
                    step,
                    train_loss,
                    train_accuracy,
                    test_loss,
                    test_accuracy,
                });
            }
            Record::Law {
                run,
                step,
                parameters,
                buffers,
                statistics,
                loss,
            } => {
                let laws = &mut place.run(&mut self.runs, run)?.laws;
                place.after(run, step, laws.last().map(|point| point.step))?;
                laws.push(LawPoint {
                    step,
                    parameters,
                    buffers,
                    statistics,
                    loss,
                });
            }
            Record::Finished { .. } => self.ending = Ending::Finished,
        }
        Ok(())
    }
}

impl Manifest {
    /// Reads `manifest.json` of a run folder.
    ///
    /// # Errors
    /// [`RecordsError`]: it is missing, or is not one.
    pub fn read(run_folder: &Path) -> Result<Self, RecordsError> {
        let path = run_folder.join("manifest.json");
        let bytes = fs::read(&path).map_err(unreadable(&path))?;
        let manifest = serde_json::from_slice(&bytes).map_err(|source| RecordsError::Manifest {
            path: path.clone(),
            source,
        });
        let manifest: Self = manifest?;
        let runs = manifest.runs.len();
        for (run, record) in manifest.runs.iter().enumerate() {
            if let Some(twin) = record.twin.filter(|&twin| twin >= runs || twin == run) {
                return Err(RecordsError::Twin {
                    path,
                    run,
                    twin,
                    runs,
                });
            }
        }
        Ok(manifest)
    }
}

impl Sitting {
    /// Reads `sittings.json` of a run folder.
    ///
    /// # Errors
    /// [`RecordsError`]: it is missing, or is no list of sittings.
    pub fn read_all(run_folder: &Path) -> Result<Vec<Self>, RecordsError> {
        let path = run_folder.join("sittings.json");
        let bytes = fs::read(&path).map_err(unreadable(&path))?;
        serde_json::from_slice(&bytes).map_err(|source| RecordsError::Sittings { path, source })
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> RecordsError {
    |source| RecordsError::Read {
        path: path.to_owned(),
        source,
    }
}

/// A line of the records, for errors.
struct Place<'a> {
    path: &'a Path,
    line: u64,
}

impl Place<'_> {
    fn run<'r>(&self, runs: &'r mut [Run], run: usize) -> Result<&'r mut Run, RecordsError> {
        let count = runs.len();
        runs.get_mut(run).ok_or_else(|| RecordsError::UnknownRun {
            path: self.path.to_owned(),
            line: self.line,
            run,
            runs: count,
        })
    }

    /// Curves and the search for a step both need steps in order.
    fn after(&self, run: usize, step: u64, previous: Option<u64>) -> Result<(), RecordsError> {
        match previous {
            Some(previous) if previous >= step => Err(RecordsError::OutOfOrder {
                path: self.path.to_owned(),
                line: self.line,
                run,
                step,
                previous,
            }),
            _ => Ok(()),
        }
    }
}
