//! What can be wrong with a log, said to a person.

use schedule_core::RecipeError;

/// A log that cannot be audited. Each reads as a sentence: what, where, what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// No row at all.
    #[error(
        "{file} has no row; a log has a line of column names and a line for every logged step (CSV), or one JSON \
         object a line (JSONL)"
    )]
    Empty {
        /// The file.
        file: String,
    },
    /// Not CSV, or a line of another length than the first.
    #[error(
        "{file}, line {line}: this is not CSV ({message}); give every line the columns of the first"
    )]
    Csv {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What the parser says.
        message: String,
    },
    /// Not JSON, or not an object.
    #[error(
        "{file}, line {line}: this is not an object of JSON ({message}); write one object a line, and null for what is \
         not a number (Python's json.dumps writes NaN and Infinity, which JSON does not have)"
    )]
    Json {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What the parser says.
        message: String,
    },
    /// A column that is there twice.
    #[error("{file}, line {line}: the column `{column}` is there twice; leave one out")]
    Twice {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
    },
    /// Something else where a number must be.
    #[error(
        "{file}, line {line}, column `{column}`: `{value}` is not a number; write one, or nothing where nothing was measured"
    )]
    NotANumber {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What is there.
        value: String,
    },
    /// A step that is no step.
    #[error(
        "{file}, line {line}, column `{column}`: the step is {value:?}; it must be a whole number from 0 to 2^53"
    )]
    Step {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What is there.
        value: f64,
    },
    /// Steps that go back.
    #[error(
        "{file}, line {line}: step {step} comes after step {previous}; sort the log by step, and where a run was resumed \
         leave out what was trained again"
    )]
    OutOfOrder {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// Its step.
        step: u64,
        /// The step before it.
        previous: u64,
    },
    /// Two values for one thing at one step.
    #[error(
        "{file}, line {line}, column `{column}`: {value} at step {step}, where an earlier line says {previous}; lines of one \
         step are read as one and must not contradict each other"
    )]
    Contradiction {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// The step.
        step: u64,
        /// What is there.
        value: f64,
        /// What was there before.
        previous: f64,
    },
    /// A column that is needed and is not there.
    #[error(
        "{file} has no column for the {what}; the names known are {known}; name yours with --columns {key}=NAME{constant} \
         (it has {})",
        list(found)
    )]
    NoColumn {
        /// The file.
        file: String,
        /// What for.
        what: &'static str,
        /// The key of `--columns`.
        key: &'static str,
        /// Names that would have been known.
        known: String,
        /// How else it may be given, as the end of a sentence.
        constant: &'static str,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// A name that was given and is not a column.
    #[error(
        "{file} has no column `{column}`, which --columns names for {key}; it has {}",
        list(found)
    )]
    NamedColumn {
        /// The file.
        file: String,
        /// The name.
        column: String,
        /// The key of `--columns`.
        key: &'static str,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// Two columns for one thing.
    #[error(
        "{file} has two columns for the {what}, `{first}` and `{second}`; say which with --columns {key}=NAME"
    )]
    Ambiguous {
        /// The file.
        file: String,
        /// What for.
        what: &'static str,
        /// The key of `--columns`.
        key: &'static str,
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// A hyperparameter that no line up to here has.
    #[error(
        "{file}, line {line}: step {step} has no {what}, and no line before it has one; start the log where it is known{constant}"
    )]
    Unknown {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The step.
        step: u64,
        /// What is unknown.
        what: &'static str,
        /// How else it may be given, as the end of a sentence.
        constant: &'static str,
    },
    /// A hyperparameter of no optimiser.
    #[error("{file}, line {line}: {error}")]
    Hyperparameters {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        error: RecipeError,
    },
    /// A norm below 0.
    #[error("{file}, line {line}, column `{column}`: the norm is {value}; a norm is not negative")]
    NegativeNorm {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column.
        column: String,
        /// What is there.
        value: f64,
    },
    /// A description of columns that is none.
    #[error(
        "--columns has `{entry}`; write KEY=NAME with commas between, where KEY is step, lr, weight_decay, momentum, norm or \
         squared_norm, and the last two may name all columns that start alike: norm=norms/*"
    )]
    Columns {
        /// The piece at fault.
        entry: String,
    },
    /// A record of a run folder.
    #[error(
        "{file}, line {line}: this is not a record ({message}); is it the records.jsonl of this folder, whole?"
    )]
    Record {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// Steps in an epoch that are none.
    #[error("an epoch of 0 steps was given; give the number of batches in an epoch")]
    NoEpoch,
}

/// Names in backquotes, the first of many.
fn list(names: &[String]) -> String {
    const MOST: usize = 12;
    let mut text: Vec<String> = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{}`", one_line(name)))
        .collect();
    if names.len() > MOST {
        text.push(format!("{} more", names.len() - MOST));
    }
    if text.is_empty() {
        "none".to_owned()
    } else {
        text.join(", ")
    }
}

/// A name from a file as part of a sentence: on one line, and not for ever.
pub(crate) fn one_line(name: &str) -> String {
    const LONGEST: usize = 60;
    let mut text: String = name
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}
