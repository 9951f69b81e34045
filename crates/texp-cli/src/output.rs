//! Where results go.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::CommandError;

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
