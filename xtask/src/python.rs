//! Python environments of a task's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo::succeeds;

/// Where the Python of an environment in a folder is.
pub(crate) fn within(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}

/// Makes an empty environment in a folder, in the place of whatever is there, and says where its Python is.
///
/// # Errors
/// That there is no Python to make it with; its message is on standard error.
pub(crate) fn make(folder: &Path) -> Result<PathBuf, String> {
    let mut make = Command::new(if cfg!(windows) { "python" } else { "python3" });
    if succeeds(make.args(["-m", "venv", "--clear"]).arg(folder)) {
        return Ok(within(folder));
    }
    Err(
        "no Python environment can be made; install Python 3.10 or newer with its venv module (Debian: python3-venv)"
            .to_owned(),
    )
}

/// `pip install` in an environment.
pub(crate) fn pip(python: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--no-warn-conflicts"]);
    pip
}
