//! Programs that are built here, and how they are started.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::cargo::cargo;

/// A program with its arguments and environment, to be run any number of times.
#[derive(Clone, Debug)]
pub(super) struct Program {
    file: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Program {
    pub(super) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    pub(super) fn arg(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// `--name value` for each.
    pub(super) fn options<const N: usize>(self, options: [(&str, usize); N]) -> Self {
        let put = |program: Self, (name, value)| program.arg(format!("--{name}")).arg(value);
        options.into_iter().fold(self, put)
    }

    pub(super) fn env(mut self, name: &'static str, value: impl ToString) -> Self {
        self.environment.push((name, value.to_string()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.file);
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What it prints to standard output.
    ///
    /// # Errors
    /// Why it cannot be started, or the end of what it says if it fails.
    pub(super) fn output(&self) -> Result<String, String> {
        let output = self.command().stdin(Stdio::null()).output();
        let output = output.map_err(|error| self.cannot_start(&error))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        Err(format!(
            "{} ended with {}: {}",
            self.file.display(),
            output.status,
            last.unwrap_or("it said nothing")
        ))
    }

    /// The last line that it prints, as JSON.
    ///
    /// # Errors
    /// As [`output`](Self::output), or that it is not JSON.
    pub(super) fn json(&self) -> Result<Value, String> {
        let output = self.output()?;
        let line = output.lines().next_back().unwrap_or_default();
        serde_json::from_str(line)
            .map_err(|error| format!("{} printed no JSON: {error}", self.file.display()))
    }

    /// Starts it and goes on; it ends when what is returned is dropped.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub(super) fn beside(&self) -> Result<Neighbour, String> {
        let child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        child
            .map(Neighbour)
            .map_err(|error| self.cannot_start(&error))
    }

    fn cannot_start(&self, error: &std::io::Error) -> String {
        format!("{} cannot be started: {error}", self.file.display())
    }
}

/// A program that runs until its standard input is closed.
pub(super) struct Neighbour(Child);

impl Drop for Neighbour {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It has nothing left to do; that it cannot be waited for changes nothing.
        let _ = self.0.wait();
    }
}

/// Builds a program with cargo and says where it is.
///
/// # Errors
/// That it could not be built; cargo's messages are on standard error.
pub(crate) fn built(arguments: &[&str], flags: Option<&str>) -> Result<PathBuf, String> {
    let mut build = cargo([
        "build",
        "--release",
        "--message-format=json-render-diagnostics",
    ]);
    build.args(arguments).stderr(Stdio::inherit());
    if let Some(flags) = flags {
        build.env("RUSTFLAGS", flags);
    }
    let output = build.output();
    let output = output.map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`cargo build {}` failed", arguments.join(" ")));
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| format!("`cargo build {}` built no program", arguments.join(" ")))
}

/// The last program named in cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().rev();
    let mut messages = messages.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_a_program_is() {
        let messages = r#"
{"reason":"compiler-artifact","executable":"/target/release/needed-to-build"}
{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/target/release/cpu"}
not JSON
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages),
            Some(PathBuf::from("/target/release/cpu"))
        );
        assert_eq!(executable(""), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_program_that_fails_says_why() {
        let shell = |script: &str| Program::new(Path::new("sh")).arg("-c").arg(script);
        let error = shell("echo first >&2; echo 'no such mode' >&2; exit 3").output();
        let error = error.unwrap_err();
        assert!(error.contains("exit status: 3: no such mode"), "{error}");
        let set = shell("echo $DEPTH").env("DEPTH", 32).output();
        assert_eq!(set.as_deref(), Ok("32\n"));
        let missing = Program::new(Path::new("/no/such/program")).output();
        assert!(missing.unwrap_err().contains("cannot be started"));
    }

    #[test]
    #[cfg(unix)]
    fn a_neighbour_leaves_when_it_is_dropped() {
        let neighbour = Program::new(Path::new("cat")).beside().unwrap();
        // Would wait for ever if the pipe stayed open.
        drop(neighbour);
    }
}
