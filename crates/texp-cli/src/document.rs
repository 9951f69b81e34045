//! What a shell and `man` know of the command.

use std::fs;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;

use crate::CommandError;
use crate::output::write_to;

/// Writes completions for a shell to standard output.
///
/// # Errors
/// Standard output cannot be written.
pub fn completions(command: &mut Command, shell: Shell) -> Result<(), CommandError> {
    let name = command.get_name().to_owned();
    // Made whole first: the generator ends the program where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, command, name, &mut script);
    write_to(None, |out| out.write_all(&script))
}

/// Writes the manual pages into a folder, which is made if it is not there: `texp.1`, and `texp-VERB.1` for
/// each verb, to which the first refers.
///
/// # Errors
/// The folder or a page cannot be written.
pub fn man(command: Command, folder: &Path) -> Result<(), CommandError> {
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .map_err(|source| CommandError::Output {
            path: folder.to_owned(),
            source,
        })
}
