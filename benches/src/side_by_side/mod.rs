//! An engine and PyTorch on one GPU, in turns.
//!
//! PyTorch's modes are prepared once, in processes that then wait; compiling takes minutes, a sample a fraction of a
//! second. All take one sample in every round, so that the machine's drift is everybody's; ratios are of one round.

mod own;
mod peer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::check::Failure;
use crate::{Choice, Spread, Table, or_dash};

use own::Own;
pub use own::sizes;
use peer::{Peers, Script};

/// How long is measured.
#[derive(Clone, Debug)]
pub struct Race {
    /// The engine.
    pub engine: Choice,
    /// Layers of the PreResNet.
    pub depth: usize,
    /// Sizes of a batch.
    pub batches: Vec<usize>,
    /// Samples of everybody.
    pub rounds: usize,
    /// A Python with PyTorch.
    pub python: PathBuf,
    /// `race.py`.
    pub script: PathBuf,
    /// Seconds to get PyTorch ready; compiled modes that take longer are left out.
    pub patience: u64,
}

/// Begins the names of this workspace's engines.
const OWN: &str = "nn-";

/// Somebody's samples, in milliseconds a step.
#[derive(Clone, Debug, Default)]
struct Samples {
    batch: usize,
    ms: Vec<f64>,
    note: Option<String>,
}

impl Samples {
    fn median(&self) -> Option<f64> {
        Spread::of(self.ms.iter().copied()).map(|ms| ms.median)
    }
}

impl Race {
    /// Measures, prints tables, and writes everything into a file of JSON.
    ///
    /// # Errors
    /// What the engine says, that nothing of PyTorch could be measured, or that the file cannot be written.
    pub fn run(&self, file: &Path) -> Result<String, Failure> {
        let until = Instant::now() + Duration::from_secs(self.patience);
        let script = Script {
            python: &self.python,
            file: &self.script,
            depth: self.depth,
        };
        let mut peers = Peers::eager(&script, &self.batches, until);
        let mut own = Vec::new();
        for &batch in &self.batches {
            own.push(Own::new(self.engine, self.depth, batch, 1)?);
        }
        peers.compile(&script, &self.batches, until);
        let mut samples = BTreeMap::<String, Samples>::new();
        for round in 0..self.rounds {
            eprintln!("round {} of {}", round + 1, self.rounds);
            for own in &mut own {
                let entry = samples.entry(own.name()).or_default();
                entry.batch = own.batch();
                entry.ms.push(own.sample()?);
            }
            for (name, batch, note, ms) in peers.sample() {
                let entry = samples.entry(name).or_default();
                (entry.batch, entry.note) = (batch, note);
                entry.ms.push(ms);
            }
        }
        let table = table(&samples);
        println!("{table}");
        for failure in &peers.failures {
            println!("left out: {failure}");
        }
        println!("{}", ceilings(&peers.ceilings));
        let json = json!({
            "peer": peers.what,
            "ceilings": peers.ceilings,
            "left out": peers.failures,
            "samples": samples.iter().map(|(name, samples)| json!({
                "name": name, "batch": samples.batch, "step_ms": samples.ms, "note": samples.note,
            })).collect::<Vec<_>>(),
        });
        std::fs::write(file, format!("{json}\n"))
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        self.verdict(&samples)
    }

    /// Against the fastest of all modes, and of those in the same precision.
    fn verdict(&self, samples: &BTreeMap<String, Samples>) -> Result<String, Failure> {
        let mut parts = Vec::new();
        for &batch in &self.batches {
            let Some((_, own)) = own_at(samples, batch) else {
                continue;
            };
            for (of, precision) in [("PyTorch", ""), ("its float32", "fp32")] {
                let peers = samples.iter().filter(|(name, samples)| {
                    samples.batch == batch && !name.starts_with(OWN) && name.contains(precision)
                });
                let best = peers
                    .filter_map(|(name, samples)| Some((name, samples, samples.median()?)))
                    .min_by(|a, b| a.2.total_cmp(&b.2));
                if let Some((name, best, _)) = best {
                    let ratio = or_dash(Spread::of_ratios(&best.ms, &own.ms));
                    parts.push(format!(
                        "{ratio} times as fast as the fastest of {of} ({name})"
                    ));
                }
            }
        }
        if parts.is_empty() {
            return Err("no mode of PyTorch could be measured beside the engine".into());
        }
        Ok(parts.join("; "))
    }
}

/// The engine's samples at a size of batch.
fn own_at(samples: &BTreeMap<String, Samples>, batch: usize) -> Option<(&String, &Samples)> {
    let mut samples = samples.iter();
    samples.find(|(name, samples)| name.starts_with(OWN) && samples.batch == batch)
}

/// Everybody, the fastest first in each batch.
fn table(samples: &BTreeMap<String, Samples>) -> String {
    let mut table = Table::new([
        "batch, who",
        "ms a step",
        "images/s",
        "n",
        "nn-cuda is times as fast",
        "note",
    ]);
    let mut rows: Vec<_> = samples.iter().collect();
    rows.sort_by(|(_, a), (_, b)| {
        let key = |samples: &Samples| samples.median().unwrap_or(f64::INFINITY);
        (a.batch.cmp(&b.batch)).then(key(a).total_cmp(&key(b)))
    });
    for (name, entry) in rows {
        let own = own_at(samples, entry.batch);
        let ratio = own.and_then(|(_, own)| Spread::of_ratios(&entry.ms, &own.ms));
        let rates = entry.ms.iter().map(|ms| 1e3 * entry.batch as f64 / ms);
        table.row(vec![
            format!("{}, {name}", entry.batch),
            or_dash(Spread::of(entry.ms.iter().copied())),
            or_dash(Spread::of(rates)),
            entry.ms.len().to_string(),
            or_dash(ratio),
            entry.note.clone().unwrap_or_default(),
        ]);
    }
    table.markdown()
}

fn ceilings(ceilings: &[Value]) -> String {
    let mut table = Table::new(["ceiling", "measured", "n"]);
    for ceiling in ceilings {
        let samples = ceiling["samples"].as_array().into_iter().flatten();
        let samples: Vec<f64> = samples.filter_map(Value::as_f64).collect();
        let unit = ceiling["unit"].as_str().unwrap_or_default();
        table.row(vec![
            ceiling["ceiling"].as_str().unwrap_or_default().to_owned(),
            or_dash(Spread::of(samples.iter().copied()).map(|spread| format!("{spread} {unit}"))),
            samples.len().to_string(),
        ]);
    }
    table.markdown()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> BTreeMap<String, Samples> {
        let entry = |batch, ms: &[f64]| Samples {
            batch,
            ms: ms.to_vec(),
            note: None,
        };
        BTreeMap::from([
            ("nn-cuda, batch 128".to_owned(), entry(128, &[1.0, 2.0])),
            (
                "PyTorch, eager, fp32, batch 128".to_owned(),
                entry(128, &[4.0, 8.0]),
            ),
            (
                "PyTorch, graph, tf32, batch 128".to_owned(),
                entry(128, &[2.0, 4.0]),
            ),
        ])
    }

    #[test]
    fn ratios_are_of_one_round_and_against_the_fastest() {
        let race = Race {
            engine: Choice::Cpu,
            depth: 8,
            batches: vec![128, 1024],
            rounds: 2,
            python: PathBuf::new(),
            script: PathBuf::new(),
            patience: 0,
        };
        let verdict = race.verdict(&samples()).unwrap();
        // Though the medians' ratio is that of two different rounds.
        let expected = "2.00 [2.00–2.00] times as fast as the fastest of PyTorch (PyTorch, graph, tf32, batch 128); \
                        4.00 [4.00–4.00] times as fast as the fastest of its float32 (PyTorch, eager, fp32, batch 128)";
        assert_eq!(verdict, expected);
        assert!(race.verdict(&BTreeMap::new()).is_err());
        let table = table(&samples());
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert!(
            rows[0].contains("nn-cuda") && rows[2].contains("eager"),
            "{table}"
        );
        assert!(rows[2].contains("4.00 [4.00–4.00]"), "{table}");
    }
}
