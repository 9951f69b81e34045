//! CSV.

use std::io::{self, Write};

use super::Columns;
use crate::Row;

pub(super) fn write(
    columns: &Columns,
    rows: &mut dyn Iterator<Item = Row>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", columns.header())?;
    for row in rows {
        write!(out, "{}", row.step)?;
        for (_, value) in columns.numbers(&row) {
            write!(out, ",{value:?}")?;
        }
        if let Some(group) = columns.group(&row) {
            write!(out, ",{group}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
