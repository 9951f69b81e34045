//! Contestants side by side: each trains once in every round, one after the other.

use std::path::Path;

use serde::Serialize;

use super::contestant::{Class, Contestant};
use super::program::Program;
use super::timing::Timing;
use benches::Spread;
use benches::{Table, or_dash, percent};

/// Cores that other processes may use during a run that counts.
const DISTURBED: f64 = 0.15;

/// Runs in place of one that was disturbed.
const AGAIN: usize = 2;

/// All runs of a contestant.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) class: Class,
    /// One for each round.
    pub(super) runs: Vec<Timing>,
    /// The same beside a process that keeps one core busy, for those that are timed so.
    pub(super) beside: Vec<Timing>,
    /// Why there are no more runs, if one failed.
    pub(super) failure: Option<String>,
}

impl Entry {
    /// Images a second in each round.
    pub(super) fn rates(&self) -> Vec<f64> {
        self.runs.iter().map(Timing::images_a_second).collect()
    }

    fn rate(&self) -> Option<Spread> {
        Spread::of(self.rates())
    }

    /// Share of the images a second that is left beside a busy process.
    fn kept(&self) -> Option<Spread> {
        let beside: Vec<f64> = self.beside.iter().map(Timing::images_a_second).collect();
        Spread::of_ratios(&beside, &self.rates())
    }

    /// Peak memory of a run without what was there before the network.
    fn own_mb(&self) -> Option<Spread> {
        let sizes: Option<Vec<f64>> = self.runs.iter().map(Timing::own_mb).collect();
        Spread::of(sizes?)
    }

    /// Most cores that others used during a run.
    fn others_busy(&self) -> Option<f64> {
        let busy = self.runs.iter().filter_map(|run| run.others_busy);
        busy.max_by(f64::total_cmp)
    }
}

/// Times all contestants in turns: A B C, A B C, … One that fails takes part no more. `spin` keeps a
/// core busy.
pub(super) fn compare(contestants: &[Contestant], rounds: usize, spin: &Program) -> Vec<Entry> {
    let mut entries: Vec<Entry> = contestants
        .iter()
        .map(|contestant| Entry {
            name: contestant.name.clone(),
            class: contestant.class,
            runs: Vec::new(),
            beside: Vec::new(),
            failure: contestant.program.as_ref().err().cloned(),
        })
        .collect();
    for round in 1..=rounds {
        for (contestant, entry) in contestants.iter().zip(&mut entries) {
            let Ok(program) = &contestant.program else {
                continue;
            };
            if entry.failure.is_some() {
                continue;
            }
            match take_turn(program, contestant.beside.as_ref(), entry, spin) {
                Ok(told) => eprintln!("round {round} of {rounds}: {}: {told}", entry.name),
                Err(reason) => {
                    eprintln!("round {round} of {rounds}: {} failed: {reason}", entry.name);
                    entry.failure = Some(reason);
                }
            }
        }
    }
    entries
}

/// One run, and one beside a busy process if it is due; says what came out.
fn take_turn(
    program: &Program,
    beside: Option<&Program>,
    entry: &mut Entry,
    spin: &Program,
) -> Result<String, String> {
    let run = undisturbed(|| Timing::read(&program.output()?))?;
    let mut told = format!("{:.0} images/s", run.images_a_second());
    entry.runs.push(run);
    if let Some(program) = beside {
        let neighbour = spin.beside()?;
        let beside = Timing::read(&program.output()?)?;
        drop(neighbour);
        told += &format!(", {:.0} beside a busy process", beside.images_a_second());
        entry.beside.push(beside);
    }
    Ok(told)
}

/// The first run during which other processes left the cores alone, or the one with the fewest of
/// them.
pub(super) fn undisturbed(
    mut run: impl FnMut() -> Result<Timing, String>,
) -> Result<Timing, String> {
    let busy = |timing: &Timing| timing.others_busy.unwrap_or(0.0);
    let mut best = run()?;
    for _ in 0..AGAIN {
        if busy(&best) <= DISTURBED {
            break;
        }
        let next = run()?;
        if busy(&next) < busy(&best) {
            best = next;
        }
    }
    Ok(best)
}

/// Of the contestants in a class, the one with the most images a second.
fn best(entries: &[Entry], class: Class) -> Option<&Entry> {
    let rate = |entry: &Entry| entry.rate().map(|rate| rate.median);
    let of_class = entries.iter().filter(|entry| entry.class == class);
    of_class
        .filter(|entry| !entry.runs.is_empty())
        .max_by(|a, b| {
            rate(a)
                .partial_cmp(&rate(b))
                .unwrap_or(std::cmp::Ordering::Equal)
        })
}

/// What the arithmetic of a training step could reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    /// GFLOP of an image's training step, by the direct count.
    pub(super) gflop_an_image: f64,
    /// GFLOP/s of multiply-adds on all threads.
    pub(super) peak: f64,
}

/// A row for each contestant.
pub(super) fn table(entries: &[Entry], floor: Option<Floor>) -> String {
    let own = best(entries, Class::Own);
    let mut table = Table::new([
        "who",
        "images/s",
        "steps",
        "nn-cpu ÷ it",
        "of peak",
        "MB",
        "MB at start",
        "kept beside a busy process",
        "others busy, cores",
    ]);
    for entry in entries {
        let ratio = own.and_then(|own| Spread::of_ratios(&own.rates(), &entry.rates()));
        let share = |rate: Spread| {
            let floor = floor?;
            Some(percent(rate.median * floor.gflop_an_image / floor.peak))
        };
        let start = entry.runs.first().and_then(|run| run.start_mb);
        let steps: usize = entry.runs.iter().map(Timing::steps).sum();
        table.row(vec![
            entry.name.clone(),
            or_dash(entry.rate()),
            format!("{} × {}", entry.runs.len(), steps / entry.runs.len().max(1)),
            or_dash(ratio),
            or_dash(entry.rate().and_then(share)),
            or_dash(entry.own_mb().map(|mb| format!("{:.0}", mb.median))),
            or_dash(start.map(|mb| format!("{mb:.0}"))),
            or_dash(entry.kept().map(|kept| {
                format!(
                    "{} [{}–{}]",
                    percent(kept.median),
                    percent(kept.least),
                    percent(kept.most)
                )
            })),
            or_dash(entry.others_busy().map(|busy| format!("{busy:.2}"))),
        ]);
    }
    table.markdown()
}

/// nn-cpu against the best of each class of peers; nothing if there is none.
pub(super) fn against(entries: &[Entry]) -> Option<String> {
    let own = best(entries, Class::Own)?;
    let mut table = Table::new([
        "nn-cpu against the best of",
        "is",
        "times as fast",
        "of its MB",
    ]);
    let mut is_empty = true;
    for (class, name) in Class::PEERS {
        let Some(peer) = best(entries, class) else {
            continue;
        };
        is_empty = false;
        let memory = own.own_mb().zip(peer.own_mb());
        table.row(vec![
            name.to_owned(),
            peer.name.clone(),
            or_dash(Spread::of_ratios(&own.rates(), &peer.rates())),
            or_dash(memory.map(|(own, peer)| percent(own.median / peer.median))),
        ]);
    }
    (!is_empty).then(|| table.markdown())
}

/// What the programs call themselves, once each: versions, threads.
pub(super) fn versions(entries: &[Entry]) -> Vec<&str> {
    let mut versions: Vec<&str> = entries
        .iter()
        .filter_map(|entry| Some(entry.runs.first()?.what.as_str()))
        .collect();
    versions.dedup();
    versions
}

/// Sentences about those that failed.
pub(super) fn failures(entries: &[Entry]) -> Vec<String> {
    let failed = |entry: &Entry| {
        let reason = entry.failure.as_ref()?;
        Some(format!("{} is not complete: {reason}", entry.name))
    };
    entries.iter().filter_map(failed).collect()
}

/// Keeps a core busy: the same program that times nn-cpu.
pub(super) fn spin(cpu: &Path) -> Program {
    Program::new(cpu).arg("spin")
}

#[cfg(test)]
pub(super) mod tests;
