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
use crate::{Choice, Format, Spread, Table, or_dash};

use own::Own;
pub use own::{Contestant, epochs, sizes};
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
    /// Runs that the engine also trains side by side, on batches of the first size.
    pub replicas: usize,
    /// Samples of everybody.
    pub rounds: usize,
    /// A Python with PyTorch.
    pub python: PathBuf,
    /// `race.py`.
    pub script: PathBuf,
    /// Seconds to get PyTorch ready; compiled modes that take longer are left out.
    pub patience: u64,
}

/// Somebody's samples, in milliseconds a step.
#[derive(Clone, Debug, Default)]
struct Samples {
    batch: usize,
    ms: Vec<f64>,
    note: Option<String>,
    /// Of this workspace's engine.
    own: Option<Contestant>,
    /// Of PyTorch, as `race.py` calls it.
    peer: Option<Format>,
}

impl Samples {
    fn median(&self) -> Option<f64> {
        Spread::of(self.ms.iter().copied()).map(|ms| ms.median)
    }

    /// Runs side by side.
    fn replicas(&self) -> f64 {
        self.own.map_or(1.0, |own| own.replicas as f64)
    }

    /// What convolutions multiply.
    fn format(&self) -> Option<Format> {
        self.own.map(|own| own.format).or(self.peer)
    }

    /// The precision of PyTorch that multiplies so.
    fn precision(&self) -> Option<&'static str> {
        self.format().map(Format::peer)
    }

    /// Images a second of all runs, over those of another, round by round.
    fn times_as_fast_as(&self, other: &Self) -> Option<Spread> {
        let per_run: Vec<f64> = self.ms.iter().map(|ms| ms / self.replicas()).collect();
        Spread::of_ratios(&other.ms, &per_run)
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
        let (mut own, left_out) = self.own()?;
        peers.failures.extend(left_out);
        peers.compile(&script, &self.batches, until);
        let mut samples = BTreeMap::<String, Samples>::new();
        for round in 0..self.rounds {
            eprintln!("round {} of {}", round + 1, self.rounds);
            for own in &mut own {
                let entry = samples.entry(own.name()).or_default();
                let contestant = own.contestant();
                (entry.batch, entry.own) = (contestant.batch, Some(contestant));
                entry.ms.push(own.sample()?);
            }
            for (name, batch, note, ms) in peers.sample() {
                let mut formats = Format::ALL.into_iter();
                let peer = formats.find(|format| name.contains(format.peer()));
                let entry = samples.entry(name).or_default();
                (entry.batch, entry.note, entry.peer) = (batch, note, peer);
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

    /// The engine in every format that it has, and sentences about those that it has not.
    fn own(&self) -> Result<(Vec<Own>, Vec<String>), Failure> {
        let (mut own, mut left_out) = (Vec::new(), Vec::new());
        let sizes = self.batches.iter().map(|&batch| (batch, 1));
        let several = self.batches.first().map(|&batch| (batch, self.replicas));
        let sizes: Vec<_> = sizes
            .chain(several.filter(|several| several.1 > 1))
            .collect();
        for format in Format::ALL {
            if !self.engine.has(format)? {
                left_out.push(format!("the engine does not multiply in {}", format.name()));
                continue;
            }
            for &(batch, replicas) in &sizes {
                own.push(Own::new(Contestant {
                    engine: self.engine,
                    depth: self.depth,
                    batch,
                    replicas,
                    format,
                })?);
            }
        }
        Ok((own, left_out))
    }

    /// Of the engine in each format and size, against the fastest mode of PyTorch in the same precision, one run of it.
    fn verdict(&self, samples: &BTreeMap<String, Samples>) -> Result<String, Failure> {
        let mut own: Vec<_> = samples
            .values()
            .filter_map(|own| Some((own, own.own?)))
            .collect();
        let place = |contestant: &Contestant| {
            let format = Format::ALL.iter().position(|&f| f == contestant.format);
            (format, contestant.replicas, contestant.batch)
        };
        own.sort_by_key(|(_, contestant)| place(contestant));
        let mut parts = Vec::new();
        for (own, contestant) in own {
            let peers = samples.iter().filter(|(_, peer)| {
                peer.own.is_none() && peer.batch == own.batch && peer.precision() == own.precision()
            });
            let best = peers
                .filter_map(|(name, peer)| Some((name, peer, peer.median()?)))
                .min_by(|a, b| a.2.total_cmp(&b.2));
            if let Some((name, best, _)) = best {
                let ratio = or_dash(own.times_as_fast_as(best));
                let several = match contestant.replicas {
                    1 => String::new(),
                    count => format!("{count} replicas together "),
                };
                let format = contestant.format.name();
                parts.push(format!(
                    "{format}: {several}{ratio} times as fast as {name}"
                ));
            }
        }
        if parts.is_empty() {
            return Err("no mode of PyTorch could be measured beside the engine".into());
        }
        Ok(parts.join("; "))
    }
}

/// The engine's samples of one run at a size of batch, in a format.
fn own_at(
    samples: &BTreeMap<String, Samples>,
    batch: usize,
    format: Option<Format>,
) -> Option<&Samples> {
    samples.values().find(|samples| {
        let one = samples.own.is_some_and(|own| own.replicas == 1);
        one && samples.batch == batch && samples.format() == format
    })
}

/// Everybody, the fastest first in each batch.
fn table(samples: &BTreeMap<String, Samples>) -> String {
    let mut table = Table::new([
        "batch, who",
        "ms a step",
        "images/s",
        "n",
        "one nn-cuda run in the same format is times as fast",
        "note",
    ]);
    let mut rows: Vec<_> = samples.iter().collect();
    rows.sort_by(|(_, a), (_, b)| {
        let key = |samples: &Samples| samples.median().unwrap_or(f64::INFINITY);
        (a.batch.cmp(&b.batch)).then(key(a).total_cmp(&key(b)))
    });
    for (name, entry) in rows {
        let own = own_at(samples, entry.batch, entry.format());
        let ratio = own.filter(|_| entry.replicas() == 1.0);
        let ratio = ratio.and_then(|own| own.times_as_fast_as(entry));
        let images = entry.replicas() * entry.batch as f64;
        let rates = entry.ms.iter().map(|ms| 1e3 * images / ms);
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
        let own = |replicas, format, ms: &[f64]| Samples {
            batch: 128,
            ms: ms.to_vec(),
            own: Some(Contestant {
                engine: Choice::Cuda,
                depth: 32,
                batch: 128,
                replicas,
                format,
            }),
            ..Samples::default()
        };
        let peer = |format, ms: &[f64]| Samples {
            batch: 128,
            ms: ms.to_vec(),
            peer: Some(format),
            ..Samples::default()
        };
        let all = [
            ("nn-cuda", own(1, Format::Full, &[1.0, 2.0])),
            ("nn-cuda, 8 replicas", own(8, Format::Full, &[4.0, 8.0])),
            ("nn-cuda, tf32x3", own(1, Format::Tf32x3, &[0.8, 1.6])),
            ("nn-cuda, tf32", own(1, Format::Tf32, &[0.5, 1.0])),
            ("PyTorch, eager, fp32", peer(Format::Full, &[4.0, 8.0])),
            ("PyTorch, eager, tf32", peer(Format::Tf32, &[3.0, 5.0])),
            ("PyTorch, graph, tf32", peer(Format::Tf32, &[2.0, 4.0])),
        ];
        BTreeMap::from(all.map(|(name, samples)| (name.to_owned(), samples)))
    }

    #[test]
    fn ratios_are_of_one_round_and_against_the_fastest_of_the_same_format() {
        let race = Race {
            engine: Choice::Cpu,
            depth: 8,
            batches: vec![128, 1024],
            replicas: 8,
            rounds: 2,
            python: PathBuf::new(),
            script: PathBuf::new(),
            patience: 0,
        };
        let verdict = race.verdict(&samples()).unwrap();
        // Though the medians' ratio is that of two different rounds.
        let expected = "full: 4.00 [4.00–4.00] times as fast as PyTorch, eager, fp32; \
                        full: 8 replicas together 8.00 [8.00–8.00] times as fast as PyTorch, eager, fp32; \
                        tf32x3: 5.00 [5.00–5.00] times as fast as PyTorch, eager, fp32; \
                        tf32: 4.00 [4.00–4.00] times as fast as PyTorch, graph, tf32";
        assert_eq!(verdict, expected);
        assert!(race.verdict(&BTreeMap::new()).is_err());
        let table = table(&samples());
        let row = |who: &str| {
            let who = format!("128, {who} ");
            let mut rows = table.lines();
            rows.find(|row| row.contains(&who)).unwrap().to_owned()
        };
        assert!(
            row("PyTorch, eager, fp32").contains("4.00 [4.00–4.00]"),
            "{table}"
        );
        assert!(
            row("PyTorch, graph, tf32").contains("4.00 [4.00–4.00]"),
            "{table}"
        );
        // 8 · 128 images in 4 and 8 ms.
        assert!(
            row("nn-cuda, 8 replicas").contains("192000 [128000–256000]"),
            "{table}"
        );
    }

    #[test]
    fn formats_that_an_engine_lacks_are_left_out() {
        let race = Race {
            engine: Choice::Cpu,
            depth: 8,
            batches: vec![2],
            replicas: 2,
            rounds: 1,
            python: PathBuf::new(),
            script: PathBuf::new(),
            patience: 0,
        };
        let (own, left_out) = race.own().unwrap();
        let contestants = own.iter().map(Own::contestant);
        let sizes: Vec<_> = contestants
            .map(|c| (c.format, c.batch, c.replicas))
            .collect();
        assert_eq!(sizes, [(Format::Full, 2, 1), (Format::Full, 2, 2)]);
        assert_eq!(
            left_out,
            [
                "the engine does not multiply in tf32x3",
                "the engine does not multiply in tf32",
                "the engine does not multiply in bf16"
            ]
        );
    }
}
