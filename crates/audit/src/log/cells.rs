//! From text to named cells.

use std::collections::HashMap;

use serde_json::Value;

use crate::LogError;
use crate::error::one_line;

/// A log before anything is known of its columns.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) names: Vec<String>,
    pub(super) lines: Vec<Line>,
}

/// A line that is not empty.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    /// What is in each column, as far as there is something.
    cells: Vec<Option<Cell>>,
}

impl Line {
    /// What is in a column.
    pub(super) fn cell(&self, column: usize) -> Option<&Cell> {
        self.cells.get(column)?.as_ref()
    }
}

#[derive(Debug)]
pub(super) enum Cell {
    Number(f64),
    /// What is no number, for messages. A problem only where one is needed.
    Other(String),
}

pub(super) fn csv(text: &str, file: &str) -> Result<Table, LogError> {
    let wrong = |line, message: String| LogError::Csv {
        file: file.to_owned(),
        line,
        message: one_line(&message),
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut table = Table::default();
    let at = |error: &csv::Error| error.position().map_or(1, csv::Position::line);
    let names = reader
        .headers()
        .map_err(|error| wrong(at(&error), error.to_string()))?;
    for name in names {
        if table.names.iter().any(|other| other == name) && !name.is_empty() {
            return Err(LogError::Twice {
                file: file.to_owned(),
                line: 1,
                column: one_line(name),
            });
        }
        table.names.push(name.to_owned());
    }
    for record in reader.records() {
        let record = record.map_err(|error| match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => wrong(
                at(&error),
                format!("it has {len} columns, the first line {expected_len}"),
            ),
            _ => wrong(at(&error), error.to_string()),
        })?;
        let number = record.position().map_or(1, csv::Position::line);
        let cells = record
            .iter()
            .map(|cell| (!cell.is_empty()).then(|| number_or_not(cell)));
        let cells = cells.collect();
        table.lines.push(Line { number, cells });
    }
    Ok(table)
}

/// What frameworks write where there is no value, and numbers as they write them.
fn number_or_not(cell: &str) -> Cell {
    match cell.parse() {
        Ok(number) => Cell::Number(number),
        Err(_) if cell.eq_ignore_ascii_case("none") || cell.eq_ignore_ascii_case("null") => {
            Cell::Number(f64::NAN)
        }
        Err(_) => Cell::Other(one_line(cell)),
    }
}

pub(super) fn jsonl(text: &str, file: &str) -> Result<Table, LogError> {
    let mut table = Table::default();
    let mut indices = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |message: String| LogError::Json {
            file: file.to_owned(),
            line: number,
            message: one_line(&message),
        };
        let value: Value = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        let Value::Object(_) = value else {
            return Err(wrong("it is another value".to_owned()));
        };
        let mut flat = Vec::new();
        flatten(String::new(), value, &mut flat);
        let mut cells: Vec<Option<Cell>> = Vec::new();
        for (name, cell) in flat {
            let column = *indices.entry(name.clone()).or_insert_with(|| {
                table.names.push(name.clone());
                table.names.len() - 1
            });
            if cells.len() <= column {
                cells.resize_with(column + 1, || None);
            }
            let place = cells.get_mut(column);
            if place.and_then(|place| place.replace(cell)).is_some() {
                return Err(LogError::Twice {
                    file: file.to_owned(),
                    line: number,
                    column: one_line(&name),
                });
            }
        }
        table.lines.push(Line { number, cells });
    }
    Ok(table)
}

/// Values by their path; `null` is left out. Depth is bounded by the parser.
fn flatten(name: String, value: Value, into: &mut Vec<(String, Cell)>) {
    match value {
        Value::Null => {}
        Value::Object(entries) => {
            for (key, value) in entries {
                let path = if name.is_empty() {
                    key
                } else {
                    format!("{name}/{key}")
                };
                flatten(path, value, into);
            }
        }
        Value::Number(number) => {
            into.push((name, Cell::Number(number.as_f64().unwrap_or(f64::NAN))))
        }
        other => {
            let text = match other {
                Value::String(text) => text,
                Value::Bool(flag) => flag.to_string(),
                _ => "a list".to_owned(),
            };
            into.push((name, Cell::Other(one_line(&text))));
        }
    }
}
