//! TOML.

use std::io::{self, Write};

use super::columns;
use crate::Row;

pub(super) fn write(rows: &mut dyn Iterator<Item = Row>, out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        writeln!(out, "[[row]]\nstep = {}", row.step)?;
        for (name, value) in columns(&row) {
            writeln!(out, "{name} = {value:?}")?;
        }
    }
    Ok(())
}
