//! JSON.

use std::io::{self, Write};

use super::Columns;
use crate::Row;

pub(super) fn write(
    columns: &Columns,
    rows: &mut dyn Iterator<Item = Row>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut before = "[";
    for row in rows {
        write!(out, "{before}\n{{\"step\":{}", row.step)?;
        for (name, value) in columns.numbers(&row) {
            if value.is_finite() {
                write!(out, ",\"{name}\":{value:?}")?;
            } else {
                write!(out, ",\"{name}\":null")?;
            }
        }
        if let Some(group) = columns.group(&row) {
            write!(out, ",\"group\":\"{group}\"")?;
        }
        write!(out, "}}")?;
        before = ",";
    }
    writeln!(out, "\n]")
}
