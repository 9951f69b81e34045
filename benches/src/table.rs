//! Tables in Markdown that also read well as they are.

/// A table: a head, and rows as long as it.
///
/// ```
/// let mut table = benches::Table::new(["op", "ms"]);
/// table.row(vec!["conv".to_owned(), "1.25".to_owned()]);
/// assert_eq!(table.markdown().lines().last(), Some("| conv | 1.25 |"));
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With this head.
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        Self::with_head(head.map(str::to_owned).to_vec())
    }

    /// With a head of any length.
    pub fn with_head(head: Vec<String>) -> Self {
        Self { rows: vec![head] }
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Columns padded to one width: the first to the left, numbers to the right.
    pub fn markdown(&self) -> String {
        let cell = |row: usize, column: usize| {
            let cell = self.rows[row].get(column).map_or("", String::as_str);
            // A bar would end the cell.
            cell.replace('|', "\\|")
        };
        let columns = 0..self.rows[0].len();
        let widths: Vec<usize> = columns
            .clone()
            .map(|column| {
                let lengths = (0..self.rows.len()).map(|row| cell(row, column).chars().count());
                lengths.max().unwrap_or(0).max(3)
            })
            .collect();
        let mut text = String::new();
        for row in 0..self.rows.len() {
            for column in columns.clone() {
                let (cell, width) = (cell(row, column), widths[column]);
                text += &match column {
                    0 => format!("| {cell:<width$} |"),
                    _ => format!(" {cell:>width$} |"),
                };
            }
            text.push('\n');
            if row == 0 {
                for (column, width) in widths.iter().enumerate() {
                    text += &match column {
                        0 => format!("| {} |", "-".repeat(*width)),
                        _ => format!(" {}: |", "-".repeat(width - 1)),
                    };
                }
                text.push('\n');
            }
        }
        text
    }
}

/// What stands for a number that is not there.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// A share as `46 %`.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["op", "GFLOP/s"]);
        table.row(vec!["conv 3×3".into(), "333".into()]);
        table.row(vec!["a|b".into()]);
        let expected = "\
| op       | GFLOP/s |
| -------- | ------: |
| conv 3×3 |     333 |
| a\\|b     |         |
";
        assert_eq!(table.markdown(), expected);
    }

    #[test]
    fn shares_and_gaps() {
        assert_eq!(percent(0.456), "46 %");
        assert_eq!(or_dash(Some(3)), "3");
        assert_eq!(or_dash(None::<f64>), "–");
    }
}
