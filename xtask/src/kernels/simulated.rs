//! The corpus on the simulated driver, in a program of its own: with kernels from a folder, or under a sanitizer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cuda_sim::{Run, Sanitizer};
use nn_engine::Products;
use nn_engine::conformance::{Case, Tier};
use serde_json::Value;

use crate::cargo::{cargo, succeeds};
use crate::root;

/// Seconds after which kernels are taken to run for ever.
const PATIENCE: &str = "900";

/// The program that trains the corpus.
pub(super) struct Corpus {
    program: PathBuf,
}

/// What of the corpus is trained: all cases of the tier `sim`, or the one of a number; with convolutions that multiply so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) case: Option<usize>,
    pub(super) products: Products,
}

/// What one training of the corpus found.
#[derive(Debug)]
pub(super) struct Found {
    /// Cases that were trained to their end.
    pub(super) cases: usize,
    /// Numbers beyond their bounds.
    pub(super) deviations: usize,
    /// What the device complained of, the first time.
    pub(super) error: Option<String>,
    /// What the sanitizer reported.
    pub(super) reports: Vec<String>,
}

impl Corpus {
    /// Builds the program.
    ///
    /// # Errors
    /// That it does not build.
    pub(super) fn build() -> Result<Self, String> {
        if !succeeds(&mut cargo([
            "build",
            "--release",
            "-p",
            "benches",
            "--bin",
            "cuda",
        ])) {
            return Err("the program that trains the corpus does not build".to_owned());
        }
        let program = root().join("target/release/cuda");
        Ok(Self { program })
    }

    /// Trains a part; the kernels are those of a folder, or those built in. `scratch` is a folder for what is written on the
    /// way.
    ///
    /// # Errors
    /// That there is no simulator, or the program cannot be started.
    pub(super) fn run(
        &self,
        part: Part,
        kernels: Option<&Path>,
        sanitizer: Option<Sanitizer>,
        scratch: &Path,
    ) -> Result<Found, String> {
        let lines = scratch.join("conformance.jsonl");
        let _ = fs::remove_file(&lines);
        // A program that hangs is ended with all that it started.
        let mut command = Command::new("timeout");
        command.arg(PATIENCE).arg(&self.program);
        command.args(["conformance", "--tier", "sim", "--json"]);
        command.arg(&lines);
        command.args(["--products", &part.products.to_string()]);
        if let Some(case) = part.case {
            // As the one of so many processes that has this case alone.
            let cases = Case::all(Tier::Sim).len().to_string();
            command.args(["--processes", &cases, "--part", &case.to_string()]);
        }
        command.env("NN_CUDA_CACHE", scratch.join("cache"));
        if let Some(kernels) = kernels {
            command.env("NN_CUDA_KERNELS", kernels);
        }
        let run = cuda_sim::run(command, sanitizer).map_err(|error| error.to_string())?;
        let printed = String::from_utf8_lossy(&run.output.stdout);
        let lines = fs::read_to_string(&lines).unwrap_or_else(|_| printed.into_owned());
        Ok(found(&run, &lines))
    }
}

fn found(run: &Run, lines: &str) -> Found {
    let mut found = Found {
        cases: 0,
        deviations: 0,
        error: None,
        reports: run.reports.clone(),
    };
    for line in lines.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        match line["error"].as_str() {
            Some(error) => {
                found.error.get_or_insert_with(|| error.to_owned());
            }
            None => found.cases += 1,
        }
        found.deviations += line["deviations"].as_array().map_or(0, Vec::len);
    }
    if !run.output.status.success() && found.error.is_none() && found.deviations == 0 {
        let said = String::from_utf8_lossy(&run.output.stderr);
        let said = said.lines().last().unwrap_or("the program failed");
        found.error = Some(said.to_owned());
    }
    found
}
