//! What can be wrong with a recipe file, said to a person in one sentence.

use std::io;

use schedule_core::{RecipeError, ScheduleError};

/// The kinds of mistakes in a recipe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not TOML.
    #[error("this is not TOML: {message}")]
    Toml {
        /// What the parser says.
        message: String,
    },
    /// A key that means nothing here.
    #[error("there is no key `{key}`; the keys here are {}", list(allowed))]
    UnknownKey {
        /// The key, with dots.
        key: String,
        /// The keys there are, without what is before the last dot.
        allowed: Vec<&'static str>,
    },
    /// A key that must be there.
    #[error("the key `{key}` is missing; it must be {needs}")]
    MissingKey {
        /// The key, with dots.
        key: String,
        /// What it must be, as the end of a sentence.
        needs: String,
    },
    /// A value of the wrong type or outside its range.
    #[error("`{key}` is {value}; it must be {needs}")]
    Value {
        /// The key, with dots.
        key: String,
        /// What it is.
        value: String,
        /// What it must be, as the end of a sentence.
        needs: String,
    },
    /// A schedule's own complaint.
    #[error(
        "`{key}`: {error}; times are in epochs and rounded to steps, of which an epoch has {steps_per_epoch}"
    )]
    Schedule {
        /// Key of the schedule.
        key: String,
        /// What the schedule says.
        error: ScheduleError,
        /// Steps in an epoch.
        steps_per_epoch: u64,
    },
    /// The file of a schedule cannot be read.
    #[error("`{key}`: {path} cannot be read ({error}); check the path and its permissions")]
    UnreadableTable {
        /// The key, with dots.
        key: String,
        /// The file.
        path: String,
        /// What the caller's reader says.
        #[source]
        error: io::Error,
    },
    /// The file of a schedule is no table of steps and values.
    #[error("`{key}`: {path}, line {line}: {problem}")]
    Table {
        /// The key, with dots.
        key: String,
        /// The file.
        path: String,
        /// Line of it, from 1.
        line: usize,
        /// What is wrong.
        problem: TableProblem,
    },
    /// Hyperparameters that the optimiser cannot use.
    #[error("{0}")]
    Recipe(RecipeError),
}

/// What is wrong with a line of a table.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TableProblem {
    /// The first line does not name a column.
    #[error(
        "there is no column `{column}`; the first line must name the columns `step` and `{value_column}`"
    )]
    NoColumn {
        /// The column that is missing.
        column: &'static str,
        /// The column that holds the values.
        value_column: &'static str,
    },
    /// A field that is not a number.
    #[error("`{column}` is `{value}`; it must be {needs}")]
    Field {
        /// Its column.
        column: &'static str,
        /// What is there, or nothing.
        value: String,
        /// What must be there.
        needs: &'static str,
    },
    /// A step that is not the next.
    #[error("`step` is {found}; steps must be 0, 1, 2, … without a gap, so it must be {expected}")]
    Step {
        /// What is there.
        found: u64,
        /// What must be there.
        expected: u64,
    },
    /// No lines after the first.
    #[error("there are no values; give one a line, from step 0 on")]
    Empty,
}

/// "`a`, `b` and `c`"
fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}
