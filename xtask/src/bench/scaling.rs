//! How cost grows: with depth, width, batch and threads, one at a time.

use std::path::Path;

use report::{Chart, Curve, Scale, Stroke};
use serde::Serialize;

use super::comparison::undisturbed;
use super::contestant::{BATCH, Effort};
use super::program::Program;
use super::timing::Timing;
use benches::Spread;
use benches::{Table, or_dash};

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
struct Size {
    depth: usize,
    /// Times the width of the paper's network.
    width: usize,
    batch: usize,
}

/// The network in the middle.
const MIDDLE: Size = Size {
    depth: 32,
    width: 1,
    batch: BATCH,
};

/// Channels of the paper's first stage.
const CHANNELS: usize = 16;

/// One thing that grows.
struct Sweep {
    id: &'static str,
    title: &'static str,
    x_label: &'static str,
    sizes: Vec<Size>,
    /// Where a size is along the x-axis.
    x: fn(Size) -> f64,
}

fn sweeps(effort: Effort) -> [Sweep; 3] {
    let depths = effort.choose(vec![8, 14, 20, 32, 56, 110], vec![8]);
    let widths = effort.choose(vec![1, 2, 4], vec![1]);
    let batches = effort.choose(vec![1, 4, 16, 64, 128, 256, 1024], vec![1, 8]);
    // What is only to be seen to work is small.
    let middle = effort.choose(
        MIDDLE,
        Size {
            depth: 8,
            batch: 8,
            ..MIDDLE
        },
    );
    [
        Sweep {
            id: "depth",
            title: "images/s against depth",
            x_label: "layers",
            sizes: depths
                .into_iter()
                .map(|depth| Size { depth, ..middle })
                .collect(),
            x: |size| size.depth as f64,
        },
        Sweep {
            id: "width",
            title: "images/s against width",
            x_label: "width, in that of the paper's network",
            sizes: widths
                .into_iter()
                .map(|width| Size { width, ..middle })
                .collect(),
            x: |size| size.width as f64,
        },
        Sweep {
            id: "batch",
            title: "images/s against batch size",
            x_label: "batch size, its logarithm to base 2",
            sizes: batches
                .into_iter()
                .map(|batch| Size { batch, ..middle })
                .collect(),
            x: |size| (size.batch as f64).log2(),
        },
    ]
}

/// All runs at one size on so many threads.
#[derive(Clone, Debug, Serialize)]
struct Entry {
    size: Size,
    threads: usize,
    runs: Vec<Timing>,
    /// Why there are no more runs, if one failed: memory may not be enough for the largest.
    failure: Option<String>,
}

impl Entry {
    fn new(size: Size, threads: usize) -> Self {
        Self {
            size,
            threads,
            runs: Vec::new(),
            failure: None,
        }
    }

    fn name(&self) -> String {
        let Size {
            depth,
            width,
            batch,
        } = self.size;
        let threads = threads(self.threads);
        format!("depth {depth}, width ×{width}, batch {batch}, {threads}")
    }

    fn rate(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().map(Timing::images_a_second))
    }
}

/// All runs of all sizes.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Scaling {
    #[serde(skip)]
    effort: Effort,
    threads: Vec<usize>,
    entries: Vec<Entry>,
}

impl Scaling {
    /// Trains at every size on 1, 2, 4, … and all `threads` in turns; `cpu` is the program of
    /// `benches`.
    pub(super) fn measure(cpu: &Path, threads: usize, effort: Effort) -> Self {
        let threads = thread_counts(threads);
        let mut entries: Vec<Entry> = Vec::new();
        for size in sweeps(effort).into_iter().flat_map(|sweep| sweep.sizes) {
            if entries.iter().all(|entry| entry.size != size) {
                entries.extend(threads.iter().map(|&threads| Entry::new(size, threads)));
            }
        }
        let rounds = effort.choose(3, 1);
        for round in 1..=rounds {
            for entry in entries.iter_mut().filter(|entry| entry.failure.is_none()) {
                let run = undisturbed(|| Timing::read(&program(cpu, entry, effort).output()?));
                let told = match run {
                    Ok(run) => {
                        let told = format!("{:.0} images/s", run.images_a_second());
                        entry.runs.push(run);
                        told
                    }
                    Err(reason) => entry.failure.insert(reason).clone(),
                };
                eprintln!("round {round} of {rounds}: {}: {told}", entry.name());
            }
        }
        Self {
            effort,
            threads,
            entries,
        }
    }

    /// Sentences about those that failed.
    pub(super) fn failures(&self) -> Vec<String> {
        let failed = |entry: &Entry| {
            let reason = entry.failure.as_ref()?;
            Some(format!("{} is not complete: {reason}", entry.name()))
        };
        self.entries.iter().filter_map(failed).collect()
    }

    fn rate(&self, size: Size, threads: usize) -> Option<Spread> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.size == size && entry.threads == threads);
        entry.and_then(Entry::rate)
    }

    /// A row for each size; all threads against one by the medians.
    pub(super) fn table(&self) -> String {
        let rates = self
            .threads
            .iter()
            .map(|&count| format!("images/s, {}", threads(count)));
        let names = ["depth", "width", "batch"].map(str::to_owned);
        let head = names
            .into_iter()
            .chain(rates)
            .chain(["speed-up".to_owned()]);
        let mut table = Table::with_head(head.collect());
        for entry in self.entries.iter().step_by(self.threads.len()) {
            let Size {
                depth,
                width,
                batch,
            } = entry.size;
            let rates = self
                .threads
                .iter()
                .map(|&threads| self.rate(entry.size, threads));
            let rates: Vec<Option<Spread>> = rates.collect();
            let ends = rates
                .first()
                .copied()
                .flatten()
                .zip(rates.last().copied().flatten());
            let speed_up = ends.map(|(one, all)| format!("{:.2}", all.median / one.median));
            let size = [depth.to_string(), format!("×{width}"), batch.to_string()];
            let row = size.into_iter().chain(rates.into_iter().map(or_dash));
            table.row(row.chain([or_dash(speed_up)]).collect());
        }
        table.markdown()
    }

    /// A chart for each thing that grows, a curve for each number of threads.
    pub(super) fn charts(&self) -> Vec<Chart> {
        let chart = |sweep: Sweep| {
            let last = sweep.sizes.last().map_or(0.0, |&size| (sweep.x)(size));
            let curve = |(index, &threads): (usize, &usize)| {
                let label = Some(self::threads(threads));
                let point = |&size: &Size| {
                    let rate = self.rate(size, threads)?;
                    Some(((sweep.x)(size), rate.median.log10()))
                };
                Curve::new(
                    label,
                    index,
                    Stroke::Solid,
                    sweep.sizes.iter().filter_map(point),
                )
            };
            Chart {
                id: sweep.id.to_owned(),
                title: sweep.title.to_owned(),
                x_label: sweep.x_label.to_owned(),
                x_end: last,
                y_scale: Scale::Log10,
                curves: self.threads.iter().enumerate().map(curve).collect(),
                ..Chart::default()
            }
        };
        sweeps(self.effort).map(chart).into()
    }
}

/// `1 thread`, `2 threads`.
fn threads(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} thread{plural}")
}

/// Powers of two below the number of threads, and that number.
fn thread_counts(threads: usize) -> Vec<usize> {
    let powers = (0..usize::BITS).map(|power| 1 << power);
    let below = powers.take_while(|&power| power < threads);
    below.chain([threads.max(1)]).collect()
}

/// Trains at this size. A call has enough steps that starting it does not count.
fn program(cpu: &Path, entry: &Entry, effort: Effort) -> Program {
    let Size {
        depth,
        width,
        batch,
    } = entry.size;
    Program::new(cpu).arg("train").options([
        ("depth", depth),
        ("width", width * CHANNELS),
        ("batch", batch),
        ("threads", entry.threads),
        ("steps", effort.choose((BATCH / batch).max(1), 1)),
        ("samples", effort.choose(5, 1)),
    ])
}

#[cfg(test)]
pub(super) mod tests {
    use report::to_svg;

    use super::*;
    use crate::bench::timing::tests::timing;

    /// Where images a second are 32,000 over the depth on each thread.
    pub(in super::super) fn scaling() -> Scaling {
        let threads = vec![1, 2];
        let entry = |size: Size, threads: usize| Entry {
            size,
            threads,
            runs: vec![timing(32_000.0 / size.depth as f64 * threads as f64); 2],
            failure: None,
        };
        let [depths, ..] = sweeps(Effort::Full);
        let sizes = depths.sizes.into_iter();
        let entries = sizes
            .flat_map(|size| [entry(size, 1), entry(size, 2)])
            .collect();
        Scaling {
            effort: Effort::Full,
            threads,
            entries,
        }
    }

    #[test]
    fn threads_double_up_to_all() {
        assert_eq!(thread_counts(1), [1]);
        assert_eq!(thread_counts(2), [1, 2]);
        assert_eq!(thread_counts(6), [1, 2, 4, 6]);
    }

    #[test]
    fn every_sweep_passes_through_the_network_in_the_middle() {
        for sweep in sweeps(Effort::Full) {
            assert!(sweep.sizes.contains(&MIDDLE), "{}", sweep.id);
            assert!(
                sweep.sizes.is_sorted_by_key(|&size| (sweep.x)(size)),
                "{}",
                sweep.id
            );
        }
    }

    #[test]
    fn a_row_has_a_rate_for_each_number_of_threads() {
        let table = scaling().table();
        let row = table
            .lines()
            .find(|line| line.starts_with("| 32 "))
            .unwrap();
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let (one, two) = ("1000 [1000–1000]", "2000 [2000–2000]");
        assert_eq!(cells, ["32", "×1", "128", one, two, "2.00"]);
        assert_eq!(table.lines().count(), 2 + 6);
    }

    #[test]
    #[cfg(unix)]
    fn what_cannot_be_trained_is_a_hole_with_a_reason() {
        let scaling = Scaling::measure(Path::new("false"), 2, Effort::Quick);
        let table = scaling.table();
        let row = table.lines().nth(2).unwrap().split('|').map(str::trim);
        assert_eq!(
            row.collect::<Vec<_>>()[1..7],
            ["8", "×1", "8", "–", "–", "–"]
        );
        let failures = scaling.failures();
        assert_eq!(failures.len(), 2 * 2);
        let reason = "depth 8, width ×1, batch 8, 1 thread is not complete: false ended with";
        assert!(failures[0].starts_with(reason), "{failures:?}");
        assert_eq!(scaling.charts().len(), 3);
    }

    #[test]
    fn charts_have_a_curve_for_each_number_of_threads() {
        let charts = scaling().charts();
        assert_eq!(charts.len(), 3);
        let svg = to_svg(&charts).unwrap();
        assert!(svg.contains(">1 thread<") && svg.contains(">2 threads<"));
        // From depth 8 to 110.
        assert!(svg.contains("1 thread: from 4000 to 291"), "{svg}");
    }
}
