//! Another program on the simulator, under a sanitizer where wanted.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use crate::compile::compiler_file;
use crate::{SimulatorError, build};

/// What kernels are compiled with, to find what the simulator alone does not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sanitizer {
    /// ThreadSanitizer reports two threads, of one block or of two, that use the same memory without a barrier or an
    /// atomic operation between them.
    Thread,
    /// AddressSanitizer reports accesses past the end of `__shared__` and local arrays too, with the stack; the first
    /// ends the program.
    Address,
}

impl Sanitizer {
    fn name(self) -> &'static str {
        match self {
            Sanitizer::Thread => "thread",
            Sanitizer::Address => "address",
        }
    }

    fn runtime(self) -> &'static str {
        match self {
            Sanitizer::Thread => "libtsan.so",
            Sanitizer::Address => "libasan.so",
        }
    }

    /// Name and value of the variable that steers the runtime.
    fn options(self, log: &Path) -> (&'static str, String) {
        let log = log.display();
        match self {
            // The program itself is not instrumented: only what kernels do is looked at.
            Sanitizer::Thread => (
                "TSAN_OPTIONS",
                format!(
                    "log_path={log}:ignore_noninstrumented_modules=1:report_signal_unsafe=0:report_thread_leaks=0:atexit_sleep_ms=0:exitcode=0"
                ),
            ),
            // Kernels run on stacks that the runtime did not make.
            Sanitizer::Address => (
                "ASAN_OPTIONS",
                format!("log_path={log}:detect_leaks=0:detect_stack_use_after_return=0"),
            ),
        }
    }
}

/// What came of a program.
#[derive(Debug)]
pub struct Run {
    /// Exit status, standard output and standard error.
    pub output: Output,
    /// What the sanitizer reported, one text a report.
    pub reports: Vec<String>,
}

/// Runs a program on the simulator and waits for it. The program need not know the simulator: the libraries come first in
/// `LD_LIBRARY_PATH`.
///
/// ```no_run
/// use cuda_sim::{Sanitizer, run};
/// use std::process::Command;
///
/// let run = run(Command::new("target/debug/deps/kernels-0123"), Some(Sanitizer::Thread))?;
/// assert!(run.output.status.success());
/// assert!(run.reports.is_empty(), "{}", run.reports.join("\n"));
/// # Ok::<(), cuda_sim::SimulatorError>(())
/// ```
///
/// # Errors
/// As [`build`]; a sanitizer whose runtime is not installed; a program that cannot be started.
pub fn run(mut command: Command, sanitizer: Option<Sanitizer>) -> Result<Run, SimulatorError> {
    let libraries = build()?;
    let mut path = OsString::from(libraries.folder());
    if let Some(others) = env::var_os("LD_LIBRARY_PATH") {
        path.push(":");
        path.push(others);
    }
    command.env("LD_LIBRARY_PATH", path);
    let log = tempfile::tempdir().map_err(|error| SimulatorError::Write {
        path: env::temp_dir(),
        error,
    })?;
    if let Some(sanitizer) = sanitizer {
        let (variable, options) = sanitizer.options(&log.path().join("report"));
        command
            .env("CUDA_SIM_SANITIZER", sanitizer.name())
            .env("LD_PRELOAD", runtime(sanitizer)?)
            .env(variable, options);
    }
    let output = command.output().map_err(|error| SimulatorError::Program {
        program: PathBuf::from(command.get_program()),
        error,
    })?;
    Ok(Run {
        output,
        reports: reports(log.path())?,
    })
}

fn runtime(sanitizer: Sanitizer) -> Result<PathBuf, SimulatorError> {
    compiler_file(sanitizer.runtime())?.ok_or(SimulatorError::NoSanitizer {
        library: sanitizer.runtime(),
    })
}

/// Reads what the runtime wrote: a file a process, in which lines of equal signs set reports apart.
fn reports(folder: &Path) -> Result<Vec<String>, SimulatorError> {
    let failed = |error| SimulatorError::Write {
        path: folder.to_owned(),
        error,
    };
    let mut reports = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let text = fs::read(entry.map_err(failed)?.path()).map_err(failed)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let parts = text.split("==================\n").map(str::trim);
        reports.extend(
            parts
                .filter(|part| part.contains("Sanitizer: "))
                .map(str::to_owned),
        );
    }
    Ok(reports)
}
