//! Where results go.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::CommandError;

/// Columns without rules or spaces at the end, as pipes like them; a line for each row, the last without its end.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    let table = table.to_string();
    let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// Writes a file, or standard output without one. A reader that has seen enough, such as `head`, ends
/// the writing and is no error.
pub(crate) fn write_to(
    path: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CommandError> {
    let Some(path) = path else {
        return match write_all(io::stdout().lock(), write) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(CommandError::Stdout),
        };
    };
    File::create(path)
        .and_then(|file| write_all(file, write))
        .map_err(|source| CommandError::Output {
            path: path.to_owned(),
            source,
        })
}

fn write_all(
    out: impl Write,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    write(&mut out)?;
    out.flush()
}
