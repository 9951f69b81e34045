//! The paper's tables of degrees: which networks are scale-invariant, by its rules, in truth and in numbers.

mod error;
mod judge;
mod table;

use std::fs;
use std::path::Path;

use report::PaperFigure;

pub use error::{TableError, TableProblem};

use self::table::Table;
use crate::CommandError;

/// The tables as a figure among others, which `command` makes again: one claim for each row.
///
/// # Errors
/// [`CommandError::Input`] or [`CommandError::Degrees`] for the file; [`CommandError::Probe`] if a network takes too much
/// memory.
pub(crate) fn figure(file: &Path, command: String) -> Result<PaperFigure, CommandError> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|source| CommandError::Input {
        file: name.clone(),
        source,
    })?;
    let (table, graphs) = Table::parse(&text, &name)?;
    let id = file.file_stem().unwrap_or(file.as_os_str());
    let id = id.to_string_lossy().into_owned();
    eprintln!("{id}: {} networks, run at scaled weights", table.rows.len());
    let rows = table.rows.iter().zip(&graphs);
    let outcomes = rows.map(|(row, graph)| judge::judge(row, graph));
    let outcomes = outcomes.collect::<Result<_, CommandError>>()?;
    Ok(PaperFigure {
        id,
        title: table.title,
        statement: table.paper,
        experiment: text,
        command,
        outcomes,
        runs: Vec::new(),
        milestones: Vec::new(),
        panels: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
