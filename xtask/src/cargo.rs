//! Calling cargo from a task.

use std::process::{Command, ExitCode};

use crate::root;

/// `cargo ARGUMENTS` in the root of the workspace.
pub(crate) fn cargo<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command and says why it could not be started, if so.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            let program = command.get_program().display();
            eprintln!("error: {program} cannot be started: {error}");
            false
        }
    }
}

/// The exit code of a command.
pub(crate) fn run(command: &mut Command) -> ExitCode {
    if succeeds(command) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
