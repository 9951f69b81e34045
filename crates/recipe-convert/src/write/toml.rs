//! TOML.

use std::io::{self, Write};

use super::Columns;
use crate::Row;

pub(super) fn write(
    columns: &Columns,
    rows: &mut dyn Iterator<Item = Row>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for row in rows {
        writeln!(out, "[[row]]\nstep = {}", row.step)?;
        for (name, value) in columns.numbers(&row) {
            writeln!(out, "{name} = {value:?}")?;
        }
        if let Some(group) = columns.group(&row) {
            writeln!(out, "group = \"{group}\"")?;
        }
    }
    Ok(())
}
