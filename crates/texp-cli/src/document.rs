//! What a shell and `man` know of the command.

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

/// Writes the manual page to standard output: the command, then each of its verbs.
///
/// # Errors
/// Standard output cannot be written.
pub fn man(mut command: Command) -> Result<(), CommandError> {
    command.build();
    write_to(None, |out| {
        clap_mangen::Man::new(command.clone()).render(out)?;
        for verb in command
            .get_subcommands()
            .filter(|verb| verb.get_name() != "help")
        {
            let verb = verb
                .clone()
                .display_name(format!("texp {}", verb.get_name()));
            let page = clap_mangen::Man::new(verb);
            page.render_name_section(out)?;
            page.render_synopsis_section(out)?;
            page.render_description_section(out)?;
            page.render_options_section(out)?;
        }
        Ok(())
    })
}
