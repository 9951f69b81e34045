//! A training log in memory.

mod build;
mod cells;
mod columns;
mod records;

pub use columns::Columns;
pub use records::RunSource;

use schedule_core::Hyperparameters;

use crate::LogError;
use build::build;

/// The name of the series of all weights as one vector.
pub(crate) const ALL: &str = "all";

/// 2^53: beyond it not every whole number is a float64.
const LARGEST_STEP: u64 = 1 << 53;

/// A training log, read: hyperparameters at logged steps, and norms where they were measured.
///
/// A row's hyperparameters hold from its step until the next row's.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub(crate) rows: Vec<Row>,
    /// What norms there are of: all weights first, if that is known, then layers.
    pub(crate) series: Vec<String>,
    /// Whether the first of them is [`ALL`].
    pub(crate) has_total: bool,
    /// Norms that were NaN or infinite, and so are read as not measured, with the place of the first.
    pub(crate) not_finite: Option<NotFinite>,
}

/// Norms that are no numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotFinite {
    pub(crate) count: usize,
    pub(crate) line: u64,
    pub(crate) column: String,
}

/// What is known at a step, before its update.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) step: u64,
    pub(crate) with: Hyperparameters,
    /// `ln ‖w‖²` of each series; NaN where it was not measured.
    pub(crate) ln_squares: Vec<f64>,
}

/// Hyperparameters that a log may lack because they never change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Constants {
    /// `η`.
    pub learning_rate: Option<f64>,
    /// `λ`.
    pub weight_decay: Option<f64>,
    /// `γ`.
    pub momentum: Option<f64>,
}

impl Log {
    /// Reads a log: CSV, or JSONL where the first character is `{`. `file` is for messages.
    ///
    /// Handled, not refused: empty cells and `null` (not measured; hyperparameters are carried on from the line before),
    /// several lines of one step (read as one, as long as they agree), gaps, any other column, a byte order mark. Nested objects of
    /// JSON have names with `/`. A norm that is NaN or infinite counts as not measured, and the audit says so.
    ///
    /// # Errors
    /// [`LogError`], with line and column.
    ///
    /// ```
    /// use audit::{Columns, Constants, Log};
    ///
    /// let constants = Constants { weight_decay: Some(5e-4), momentum: Some(0.9), ..Constants::default() };
    /// let log = Log::parse("step,lr\n0,0.1\n100,0.1\n", "run.csv", &Columns::default(), constants)?;
    /// assert_eq!((log.first_step(), log.end_step()), (0, 101));
    ///
    /// let error = Log::parse("step,lr\n0,fast\n", "run.csv", &Columns::default(), constants).unwrap_err();
    /// assert!(error.to_string().starts_with("run.csv, line 2, column `lr`: `fast` is not a number"));
    /// # Ok::<(), audit::LogError>(())
    /// ```
    pub fn parse(
        text: &str,
        file: &str,
        columns: &Columns,
        constants: Constants,
    ) -> Result<Self, LogError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let table = if text.trim_start().starts_with('{') {
            cells::jsonl(text, file)?
        } else {
            cells::csv(text, file)?
        };
        build(&table, file, columns, constants)
    }

    /// The first logged step.
    #[must_use]
    pub fn first_step(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.step)
    }

    /// One past the last logged step.
    #[must_use]
    pub fn end_step(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.step + 1)
    }

    /// Adds the total of all layers as a series, where every layer was measured.
    pub(crate) fn with_total(mut self) -> Self {
        if self.has_total || self.series.len() < 2 {
            return self;
        }
        for row in &mut self.rows {
            let total = ln_sum_exp(&row.ln_squares);
            row.ln_squares.insert(0, total);
        }
        self.series.insert(0, ALL.to_owned());
        self.has_total = true;
        self
    }

    /// Steps and `ln ‖w‖²` of a series, where it was measured, from one step to another, the last included.
    pub(crate) fn points(&self, series: usize, from: u64, to: u64) -> Vec<(u64, f64)> {
        let first = self.rows.partition_point(|row| row.step < from);
        let rows = self
            .rows
            .iter()
            .skip(first)
            .take_while(|row| row.step <= to);
        let points = rows.filter_map(|row| Some((row.step, *row.ln_squares.get(series)?)));
        points.filter(|point| point.1.is_finite()).collect()
    }
}

/// `ln Σ exp(x)` without overflow; NaN if one is NaN. A layer that is 0 adds nothing.
fn ln_sum_exp(logarithms: &[f64]) -> f64 {
    let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest
        + logarithms
            .iter()
            .map(|x| (x - largest).exp())
            .sum::<f64>()
            .ln()
}
