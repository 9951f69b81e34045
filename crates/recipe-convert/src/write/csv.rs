//! CSV.

use std::io::{self, Write};

use super::{COLUMNS, columns};
use crate::Row;

pub(super) fn write(rows: &mut dyn Iterator<Item = Row>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "step,{}", COLUMNS.join(","))?;
    for row in rows {
        write!(out, "{}", row.step)?;
        for (_, value) in columns(&row) {
            write!(out, ",{value:?}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
