//! From named cells to a log.

use schedule_core::Hyperparameters;

use super::cells::{Cell, Line, Table};
use super::columns::{Columns, NormIs, NormsOf, WANTED};
use super::{ALL, Constants, LARGEST_STEP, Log, NotFinite, Row};
use crate::LogError;
use crate::error::one_line;

/// A column of norms and the series that it belongs to.
struct NormColumn {
    column: usize,
    series: usize,
    is: NormIs,
}

struct Builder<'a> {
    table: &'a Table,
    file: &'a str,
    /// Of step, rate, decay and momentum; `None` where a constant takes its place.
    columns: [Option<usize>; 4],
    constants: [Option<f64>; 4],
    norms: Vec<NormColumn>,
    /// Rate, decay and momentum of the step before.
    carried: [Option<f64>; 3],
    log: Log,
}

pub(super) fn build(
    table: &Table,
    file: &str,
    columns: &Columns,
    constants: Constants,
) -> Result<Log, LogError> {
    if table.lines.is_empty() {
        return Err(LogError::Empty {
            file: file.to_owned(),
        });
    }
    let log = Log {
        rows: Vec::new(),
        series: Vec::new(),
        has_total: false,
        not_finite: None,
    };
    let Constants {
        learning_rate,
        weight_decay,
        momentum,
    } = constants;
    let constants = [None, learning_rate, weight_decay, momentum];
    let mut builder = Builder {
        table,
        file,
        columns: [None; 4],
        constants,
        norms: Vec::new(),
        carried: [None; 3],
        log,
    };
    for index in 0..WANTED.len() {
        builder.columns[index] = builder.find(index, columns)?;
    }
    builder.find_norms(columns)?;
    let mut last: Option<Partial> = None;
    for line in &table.lines {
        last = Some(builder.add(line, last)?);
    }
    if let Some(last) = last {
        builder.finish(last)?;
    }
    Ok(builder.log.with_total())
}

/// What lines have said of one step.
struct Partial {
    /// The first of them.
    line: u64,
    step: u64,
    /// Rate, decay and momentum.
    said: [Option<f64>; 3],
    ln_squares: Vec<f64>,
}

impl Builder<'_> {
    fn names(&self) -> Vec<String> {
        self.table.names.clone()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.table.names.iter().position(|other| other == name)
    }

    /// The column of something, `None` where a constant was given and no column named.
    fn find(&self, index: usize, columns: &Columns) -> Result<Option<usize>, LogError> {
        let (wanted, file) = (&WANTED[index], || self.file.to_owned());
        if let Some(name) = &columns.named[index] {
            let named = LogError::NamedColumn {
                file: file(),
                column: name.clone(),
                key: wanted.key,
                found: self.names(),
            };
            return self.position(name).map(Some).ok_or(named);
        }
        if self.constants[index].is_some() {
            return Ok(None);
        }
        let mut known = wanted
            .known
            .iter()
            .filter_map(|name| Some((name, self.position(name)?)));
        match (known.next(), known.next()) {
            (None, _) => Err(LogError::NoColumn {
                file: file(),
                what: wanted.what,
                key: wanted.key,
                known: wanted.known.join(", "),
                constant: wanted.constant,
                found: self.names(),
            }),
            (Some((_, column)), None) => Ok(Some(column)),
            (Some((first, _)), Some((second, _))) => Err(LogError::Ambiguous {
                file: file(),
                what: wanted.what,
                key: wanted.key,
                first: (*first).to_owned(),
                second: (*second).to_owned(),
            }),
        }
    }

    fn find_norms(&mut self, columns: &Columns) -> Result<(), LogError> {
        let mut totals: Vec<(usize, NormIs)> = Vec::new();
        let mut layers: Vec<(String, usize, NormIs)> = Vec::new();
        for wanted in columns.norm_columns() {
            let before = totals.len() + layers.len();
            for (column, name) in self.table.names.iter().enumerate() {
                match (wanted.of, name.strip_prefix(&wanted.name)) {
                    (NormsOf::All, Some("")) => totals.push((column, wanted.is)),
                    (NormsOf::Layers, Some(layer)) if !layer.is_empty() => {
                        layers.push((one_line(layer), column, wanted.is))
                    }
                    _ => {}
                }
            }
            if !columns.norms.is_empty() && before == totals.len() + layers.len() {
                let star = if wanted.of == NormsOf::Layers {
                    "*"
                } else {
                    ""
                };
                let (file, column, found) = (
                    self.file.to_owned(),
                    format!("{}{star}", wanted.name),
                    self.names(),
                );
                return Err(LogError::NamedColumn {
                    file,
                    column,
                    key: "norm",
                    found,
                });
            }
        }
        let two = |what, first: usize, second: usize| LogError::Ambiguous {
            file: self.file.to_owned(),
            what,
            key: "norm",
            first: one_line(&self.table.names[first]),
            second: one_line(&self.table.names[second]),
        };
        if let [(first, _), (second, _), ..] = totals[..] {
            return Err(two("norm of all weights", first, second));
        }
        for (index, (layer, column, _)) in layers.iter().enumerate() {
            if let Some((_, other, _)) = layers[..index].iter().find(|(other, ..)| other == layer) {
                return Err(two("norm of a layer", *other, *column));
            }
        }
        self.log.has_total = !totals.is_empty();
        let totals = totals
            .into_iter()
            .map(|(column, is)| (ALL.to_owned(), column, is));
        for (series, (name, column, is)) in totals.chain(layers).enumerate() {
            self.log.series.push(name);
            self.norms.push(NormColumn { column, series, is });
        }
        Ok(())
    }

    /// Takes in a line: more of the step before, or the next step, at which that one is finished.
    fn add(&mut self, line: &Line, last: Option<Partial>) -> Result<Partial, LogError> {
        let step = self.step(line)?;
        let mut partial = match last {
            Some(last) if last.step == step => last,
            last => {
                if let Some(previous) = last
                    .as_ref()
                    .map(|last| last.step)
                    .filter(|&previous| previous > step)
                {
                    let (file, line) = (self.file.to_owned(), line.number);
                    return Err(LogError::OutOfOrder {
                        file,
                        line,
                        step,
                        previous,
                    });
                }
                last.map_or(Ok(()), |last| self.finish(last))?;
                let ln_squares = vec![f64::NAN; self.log.series.len()];
                Partial {
                    line: line.number,
                    step,
                    said: [None; 3],
                    ln_squares,
                }
            }
        };
        for index in 1..WANTED.len() {
            let Some(value) = self.number(line, self.columns[index])? else {
                continue;
            };
            match partial.said[index - 1].replace(value) {
                Some(old) if old != value => {
                    return Err(self.contradiction(line, self.columns[index], step, value, old));
                }
                _ => {}
            }
        }
        self.add_norms(line, &mut partial)?;
        Ok(partial)
    }

    fn add_norms(&mut self, line: &Line, partial: &mut Partial) -> Result<(), LogError> {
        for NormColumn { column, series, is } in &self.norms {
            let Some(cell) = line.cell(*column) else {
                continue;
            };
            let value = match cell {
                Cell::Number(value) => *value,
                Cell::Other(text) => return Err(self.not_a_number(line, *column, text)),
            };
            let name = || one_line(&self.table.names[*column]);
            if value < 0.0 {
                return Err(LogError::NegativeNorm {
                    file: self.file.to_owned(),
                    line: line.number,
                    column: name(),
                    value,
                });
            }
            if !value.is_finite() {
                let first = NotFinite {
                    count: 0,
                    line: line.number,
                    column: name(),
                };
                self.log.not_finite.get_or_insert(first).count += 1;
                continue;
            }
            let ln_square = match is {
                NormIs::Plain => 2.0 * value.ln(),
                NormIs::Squared => value.ln(),
            };
            let place = &mut partial.ln_squares[*series];
            if !place.is_nan() && *place != ln_square {
                let previous = match is {
                    NormIs::Plain => (*place / 2.0).exp(),
                    NormIs::Squared => place.exp(),
                };
                return Err(self.contradiction(line, Some(*column), partial.step, value, previous));
            }
            *place = ln_square;
        }
        Ok(())
    }

    /// Makes a row of a step to which no line adds any more.
    fn finish(&mut self, partial: Partial) -> Result<(), LogError> {
        let Partial {
            line,
            step,
            said,
            ln_squares,
        } = partial;
        let mut known = [0.0; 3];
        for (index, place) in known.iter_mut().enumerate() {
            let wanted = &WANTED[index + 1];
            let constant = self.constants[index + 1].filter(|_| self.columns[index + 1].is_none());
            *place = constant
                .or(said[index])
                .or(self.carried[index])
                .ok_or_else(|| LogError::Unknown {
                    file: self.file.to_owned(),
                    line,
                    step,
                    what: wanted.what,
                    constant: wanted.constant,
                })?;
        }
        self.carried = known.map(Some);
        let [learning_rate, weight_decay, momentum] = known;
        let with = Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        };
        let wrong = |error| LogError::Hyperparameters {
            file: self.file.to_owned(),
            line,
            error,
        };
        with.validate(step).map_err(wrong)?;
        self.log.rows.push(Row {
            step,
            with,
            ln_squares,
        });
        Ok(())
    }

    fn step(&self, line: &Line) -> Result<u64, LogError> {
        let column = self.columns[0];
        let value = self.number(line, column)?.unwrap_or(f64::NAN);
        let is_step = (0.0..=LARGEST_STEP as f64).contains(&value) && value.fract() == 0.0;
        // In range, by the line before.
        is_step
            .then_some(value as u64)
            .ok_or_else(|| LogError::Step {
                file: self.file.to_owned(),
                line: line.number,
                column: self.name(column),
                value,
            })
    }

    /// The number in a column, if there is one. NaN counts as none: so do many loggers write it.
    fn number(&self, line: &Line, column: Option<usize>) -> Result<Option<f64>, LogError> {
        let Some(column) = column else {
            return Ok(None);
        };
        match line.cell(column) {
            None => Ok(None),
            Some(Cell::Number(value)) => Ok(Some(*value).filter(|value| !value.is_nan())),
            Some(Cell::Other(text)) => Err(self.not_a_number(line, column, text)),
        }
    }

    fn name(&self, column: Option<usize>) -> String {
        column
            .and_then(|column| self.table.names.get(column))
            .map_or(String::new(), |name| one_line(name))
    }

    fn not_a_number(&self, line: &Line, column: usize, value: &str) -> LogError {
        let (file, column) = (self.file.to_owned(), self.name(Some(column)));
        LogError::NotANumber {
            file,
            line: line.number,
            column,
            value: value.to_owned(),
        }
    }

    fn contradiction(
        &self,
        line: &Line,
        column: Option<usize>,
        step: u64,
        value: f64,
        previous: f64,
    ) -> LogError {
        let (file, column) = (self.file.to_owned(), self.name(column));
        LogError::Contradiction {
            file,
            line: line.number,
            column,
            step,
            value,
            previous,
        }
    }
}
