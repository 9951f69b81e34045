//! Files and folders that are there as a whole or not at all, also after a loss of power.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Puts a file in the place of what is there.
pub(in crate::run) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    write(partial.as_ref(), bytes)?;
    fs::rename(&partial, path)?;
    sync_parent(path)
}

/// Writes a file that nobody reads yet, down to the disk.
pub(in crate::run) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Brings the names in a folder down to the disk, where the system has a way to.
pub(in crate::run) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// [`sync_folder`] of the folder that something is in.
pub(in crate::run) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(parent) => sync_folder(parent),
        None => Ok(()),
    }
}
