//! A schedule as CSV: a value for every step.

use super::TableProblem;

/// Reads the values of one column; the error comes with the line, from 1.
///
/// Columns are found by their names in the first line, so that what this crate writes can be read
/// back; other columns are ignored.
pub(super) fn parse(
    text: &str,
    value_column: &'static str,
) -> Result<Vec<f64>, (usize, TableProblem)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    let (header, header_line) = lines.next().unwrap_or(("", 1));
    let position = |column: &'static str| {
        let no_column = TableProblem::NoColumn {
            column,
            value_column,
        };
        header
            .split(',')
            .position(|name| name.trim() == column)
            .ok_or((header_line, no_column))
    };
    let (step_at, value_at) = (position("step")?, position(value_column)?);

    let mut values = Vec::new();
    for (expected, (line, number)) in (0..).zip(lines) {
        let field = |at| line.split(',').nth(at).unwrap_or_default().trim();
        let (step, value) = (field(step_at), field(value_at));
        let refused = |column, value: &str, needs| {
            let value = value.chars().take(60).collect();
            let problem = TableProblem::Field {
                column,
                value,
                needs,
            };
            (number, problem)
        };
        let found: u64 = step
            .parse()
            .map_err(|_| refused("step", step, "a whole number of at least 0"))?;
        if found != expected {
            return Err((number, TableProblem::Step { found, expected }));
        }
        let parsed = value.parse().ok().filter(|value: &f64| value.is_finite());
        values.push(parsed.ok_or_else(|| refused(value_column, value, "a finite number"))?);
    }
    if values.is_empty() {
        return Err((header_line, TableProblem::Empty));
    }
    Ok(values)
}
