//! PyTorch in processes of its own, which take a sample when they are asked to.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Precisions, the likeliest to be fast first.
const PRECISIONS: [&str; 3] = ["bf16", "tf32", "fp32"];
/// For a sample of everything that is ready; none takes long.
const ANSWER: Duration = Duration::from_secs(30);

/// `race.py`, and what it trains.
pub(super) struct Script<'a> {
    pub(super) python: &'a Path,
    pub(super) file: &'a Path,
    pub(super) depth: usize,
}

/// Everything of PyTorch that is ready.
#[derive(Default)]
pub(super) struct Peers {
    processes: Vec<Process>,
    /// Versions and device, as the script says them.
    pub(super) what: Option<String>,
    pub(super) ceilings: Vec<Value>,
    /// Sentences about modes that are not there.
    pub(super) failures: Vec<String>,
}

impl Peers {
    /// Starts the modes that need no compiler, in one process, and measures the ceilings.
    pub(super) fn eager(script: &Script<'_>, batches: &[usize], until: Instant) -> Self {
        let mut peers = Self::default();
        peers.start(script, &["eager", "graph"], &PRECISIONS, batches, until);
        peers
    }

    /// Starts the compiled modes one after the other, each in a process, as long as there is time.
    pub(super) fn compile(&mut self, script: &Script<'_>, batches: &[usize], until: Instant) {
        for precision in PRECISIONS {
            for batch in batches {
                self.start(script, &["compile"], &[precision], &[*batch], until);
            }
        }
    }

    fn start(
        &mut self,
        script: &Script<'_>,
        modes: &[&str],
        precisions: &[&str],
        batches: &[usize],
        until: Instant,
    ) {
        let batches: Vec<String> = batches.iter().map(usize::to_string).collect();
        let batches = batches.join(",");
        let (modes, precisions) = (modes.join(","), precisions.join(","));
        let name = format!("PyTorch, {modes}, {precisions}, batch {batches}");
        if Instant::now() >= until {
            self.failures
                .push(format!("{name}: no time was left to prepare it"));
            return;
        }
        eprintln!("preparing {name}");
        let mut command = Command::new(script.python);
        command.arg("-B").arg(script.file);
        command.args(["--depth", &script.depth.to_string(), "--modes", &modes]);
        command.args(["--precisions", &precisions, "--batches", &batches]);
        let mut process = match Process::start(&mut command) {
            Ok(process) => process,
            Err(reason) => return self.failures.push(format!("{name}: {reason}")),
        };
        loop {
            match process.line(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line["done"] == true => break,
                Ok(line) => self.hear(&mut process, line),
                Err(reason) => return self.failures.push(format!("{name}: {reason}")),
            }
        }
        if !process.ready.is_empty() {
            self.processes.push(process);
        }
    }

    /// A line of a process that prepares itself.
    fn hear(&mut self, process: &mut Process, line: Value) {
        let text = |key: &str| line[key].as_str().map(str::to_owned);
        if let Some(name) = text("ready") {
            process.ready.push(Ready {
                name: format!("PyTorch, {name}"),
                batch: line["batch"].as_u64().unwrap_or(0) as usize,
                note: text("note"),
            });
        } else if let (Some(name), Some(why)) = (text("failed"), text("why")) {
            self.failures.push(format!("PyTorch, {name}: {why}"));
        } else if let Some(what) = text("what") {
            self.what.get_or_insert(what);
        } else if line["ceiling"].is_string() {
            self.ceilings.push(line);
        }
    }

    /// One sample of everybody: name, batch, note and milliseconds a step. Who does not answer is left out from then
    /// on.
    pub(super) fn sample(&mut self) -> Vec<(String, usize, Option<String>, f64)> {
        let mut samples = Vec::new();
        let mut silent = Vec::new();
        for (index, process) in self.processes.iter_mut().enumerate() {
            for mode in 0..process.ready.len() {
                let Ready { name, batch, note } = process.ready[mode].clone();
                match process.ask(mode) {
                    Ok(ms) => samples.push((name, batch, note, ms)),
                    Err(reason) => {
                        self.failures.push(format!("{name}: {reason}"));
                        silent.push(index);
                        break;
                    }
                }
            }
        }
        for index in silent.into_iter().rev() {
            self.processes.remove(index);
        }
        samples
    }
}

/// A mode that can be timed.
#[derive(Clone)]
struct Ready {
    name: String,
    batch: usize,
    note: Option<String>,
}

/// A process, which ends when it is dropped.
struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<Value>,
    ready: Vec<Ready>,
}

impl Process {
    fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("it cannot be started: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no pipes".to_owned());
        };
        let (send, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            // What libraries print is no line of JSON.
            for line in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            input,
            lines,
            ready: Vec::new(),
        })
    }

    fn line(&mut self, patience: Duration) -> Result<Value, String> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        self.lines
            .recv_timeout(patience)
            .map_err(|error| match error {
                Timeout => "it took longer than there was time".to_owned(),
                Disconnected => "it ended; what it said is on standard error".to_owned(),
            })
    }

    /// Milliseconds a step of one of its modes.
    fn ask(&mut self, mode: usize) -> Result<f64, String> {
        writeln!(self.input, "{mode}")
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("it no longer listens: {error}"))?;
        let line = self.line(ANSWER)?;
        line["ms"]
            .as_f64()
            .ok_or_else(|| format!("it could not be timed: {line}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may still compile. That it is gone already changes nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Process {
        Process::start(Command::new("sh").args(["-c", text])).unwrap()
    }

    #[test]
    #[cfg(unix)]
    fn a_process_answers_until_it_ends() {
        let mut process = script("echo noise; read mode; echo \"{\\\"ms\\\": 1.5}\"; read mode");
        assert_eq!(process.ask(0), Ok(1.5));
        let reason = process.ask(1).unwrap_err();
        assert!(reason.contains("it ended"), "{reason}");
    }

    #[test]
    #[cfg(unix)]
    fn nobody_waits_longer_than_there_is_time() {
        let mut process = script("sleep 100");
        let reason = process.line(Duration::from_millis(10)).unwrap_err();
        assert!(reason.contains("longer than there was time"), "{reason}");
    }
}
