//! The corpus on a device, several cases at a time.
//!
//! The reference is the slow side, and on one thread. So the cases are dealt out to processes, each of which trains its
//! own on both: what goes wrong on the device in one of them leaves the others alone.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use engine_laws::conformance::with_room;
use nn_engine::EngineOptions;
use nn_engine::conformance::{Case, Report, Tier, run};
use nn_reference::ReferenceEngine;
use serde_json::{Value, json};

use super::Failure;
use crate::{Choice, Format};

/// Complaints that are printed; all are in the file.
const PRINTED: usize = 20;

/// Cases `first`, `first + step`, … of a tier.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The first case.
    pub first: usize,
    /// From one to the next.
    pub step: usize,
}

/// What is compared with the reference.
#[derive(Clone, Copy, Debug)]
pub struct Conformance {
    /// The candidate.
    pub engine: Choice,
    /// The cases.
    pub tier: Tier,
    /// What the candidate multiplies.
    pub format: Format,
}

impl Conformance {
    /// Runs the cases of a part here, and writes a line of JSON for each as soon as it is done.
    ///
    /// `index` and `case`; `seconds` it took; `error`: null, or what an engine said; `comparisons` made, `worst`: the
    /// largest error as a share of its bound, `where` that was, and `deviations`: sentences, of each beyond its bound.
    ///
    /// # Errors
    /// That a line cannot be written; what is wrong with a case is in its line.
    ///
    /// ```
    /// use benches::{Choice, Format};
    /// use benches::check::{Conformance, Part};
    /// use nn_engine::conformance::Tier;
    /// let (tier, format) = (Tier::Sim, Format::Full);
    /// let conformance = Conformance { engine: Choice::Cpu, tier, format };
    /// let mut lines = Vec::new();
    /// conformance.part(Part { first: 3, step: 1000 }, &mut lines)?;
    /// let line: serde_json::Value = serde_json::from_slice(&lines)?;
    /// assert_eq!((&line["index"], &line["deviations"]), (&3.into(), &serde_json::json!([])));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn part(&self, part: Part, to: &mut dyn Write) -> Result<(), Failure> {
        let cases = Case::all(self.tier).into_iter().enumerate();
        for (index, case) in cases.skip(part.first).step_by(part.step.max(1)) {
            let start = Instant::now();
            let outcome = self.case(&case);
            let seconds = start.elapsed().as_secs_f64();
            let mut line = match outcome {
                Ok(report) => described(&report),
                Err(error) => json!({ "error": error.to_string() }),
            };
            line["index"] = index.into();
            line["case"] = case.name.into();
            line["seconds"] = seconds.into();
            writeln!(to, "{line}")?;
            to.flush()?;
        }
        Ok(())
    }

    fn case(&self, case: &Case) -> Result<Report, Failure> {
        let products = self.format.products();
        let case = &with_room(case.clone(), products);
        let graph = case.graph()?;
        let options = || EngineOptions {
            threads: 1,
            ..case.options(&graph)
        };
        let mut reference = ReferenceEngine::new(&graph, options())?;
        let rounding = EngineOptions {
            products,
            ..options()
        };
        let mut candidate = self.engine.engine(&graph, rounding)?;
        let algorithm = self.engine.algorithm();
        Ok(run(case, algorithm, &mut reference, candidate.as_mut())?)
    }

    /// Runs all cases in `processes` of this program, which is started with `arguments` and `--part FIRST` and must do
    /// what [`part`](Self::part) does, and keeps their lines in a file.
    ///
    /// # Errors
    /// How many cases do not hold.
    pub fn all(
        &self,
        arguments: &[String],
        processes: usize,
        file: &Path,
    ) -> Result<String, Failure> {
        let start = Instant::now();
        let names: Vec<String> = Case::all(self.tier).into_iter().map(|c| c.name).collect();
        let processes = processes.clamp(1, names.len());
        let program = std::env::current_exe()?;
        let workers: Vec<_> = (0..processes)
            .map(|first| {
                let mut command = Command::new(&program);
                command.args(arguments).args(["--part", &first.to_string()]);
                // What the reference is asked besides takes one thread, too.
                command.env("RAYON_NUM_THREADS", "1");
                std::thread::spawn(move || lines_of(command))
            })
            .collect();
        let mut lines = Vec::new();
        for (first, worker) in workers.into_iter().enumerate() {
            let (mut found, ended) = worker.join().unwrap_or_else(|_| {
                (
                    Vec::new(),
                    Err("the thread that waited for it ended".into()),
                )
            });
            let due = (first..names.len()).step_by(processes);
            for index in due.skip(found.len()).collect::<Vec<_>>() {
                let why = match &ended {
                    Ok(()) => "its process ended before",
                    Err(reason) => reason,
                };
                let error = format!("it was not run to its end: {why}");
                found.push(json!({ "index": index, "case": names[index], "error": error }));
            }
            lines.extend(found);
        }
        lines.sort_by_key(|line| line["index"].as_u64());
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(file, text)
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        verdict(&lines, start.elapsed().as_secs_f64())
    }
}

fn described(report: &Report) -> Value {
    let deviations = report.deviations.iter().map(ToString::to_string);
    json!({
        "error": null,
        "comparisons": report.comparisons,
        "worst": report.worst.0,
        "where": report.worst.1,
        "deviations": deviations.collect::<Vec<_>>(),
    })
}

/// The lines that a process printed, and how it ended.
fn lines_of(mut command: Command) -> (Vec<Value>, Result<(), String>) {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return (Vec::new(), Err(format!("it cannot be started: {error}"))),
    };
    let output = child.stdout.take().into_iter();
    let lines = output.flat_map(|output| BufReader::new(output).lines().map_while(Result::ok));
    let lines = lines.filter_map(|line| serde_json::from_str(&line).ok());
    let lines = lines.collect();
    let ended = match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("its process ended with {status}")),
        Err(error) => Err(format!("its process cannot be waited for: {error}")),
    };
    (lines, ended)
}

/// What the lines say together.
fn verdict(lines: &[Value], seconds: f64) -> Result<String, Failure> {
    let mut complaints = Vec::new();
    for line in lines {
        let case = line["case"].as_str().unwrap_or_default();
        let deviations = line["deviations"].as_array().into_iter().flatten();
        let sentences = deviations.chain(Some(&line["error"]));
        let sentences: Vec<&str> = sentences.filter_map(Value::as_str).collect();
        if let Some(first) = sentences.first() {
            complaints.push(format!("`{case}`: {first} ({} in all)", sentences.len()));
        }
    }
    complaints
        .iter()
        .take(PRINTED)
        .for_each(|complaint| println!("{complaint}"));
    let comparisons: u64 = lines
        .iter()
        .filter_map(|line| line["comparisons"].as_u64())
        .sum();
    let mut worst: Vec<(f64, String)> = lines
        .iter()
        .filter_map(|line| {
            Some((
                line["worst"].as_f64()?,
                format!("{}: {}", line["case"], line["where"]),
            ))
        })
        .collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (share, place) in worst.iter().take(3) {
        println!("{share:.2} of its bound: {place}");
    }
    let share = worst.first().map_or(f64::NAN, |worst| worst.0);
    let (cases, failed) = (lines.len(), complaints.len());
    let text = format!(
        "{failed} of {cases} cases fail; {comparisons} comparisons, largest {share:.2} of its bound, {seconds:.0} s"
    );
    if failed == 0 && cases > 0 {
        Ok(text)
    } else {
        Err(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_counts_that_is_missing_or_off() {
        let good = json!({"index": 0, "case": "a", "error": null, "comparisons": 5, "worst": 0.25,
            "where": "loss", "deviations": []});
        let mut off = good.clone();
        off["deviations"] = json!(["it is off", "twice"]);
        let lost = json!({"index": 2, "case": "c", "error": "it was not run"});
        let text = verdict(std::slice::from_ref(&good), 2.0).unwrap();
        assert_eq!(
            text,
            "0 of 1 cases fail; 5 comparisons, largest 0.25 of its bound, 2 s"
        );
        let error = verdict(&[good, off, lost], 2.0).unwrap_err().to_string();
        assert!(
            error.starts_with("2 of 3 cases fail; 10 comparisons"),
            "{error}"
        );
        assert!(verdict(&[], 0.0).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn a_process_that_dies_leaves_the_lines_before() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo '{\"index\": 0}'; kill -9 $$"]);
        let (lines, ended) = lines_of(command);
        assert_eq!(lines, [json!({"index": 0})]);
        assert!(ended.unwrap_err().contains("signal: 9"));
    }
}
