//! Where the time of a training step goes, and how near each operation is to what the machine can do.

use serde::{Deserialize, Serialize};

use super::ceilings::Ceilings;
use super::program::Program;
use benches::Spread;
use benches::{Table, or_dash, percent};

/// What `benches` prints of one run.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Run {
    rows: Vec<Row>,
    batch_ms: f64,
    loss_ms: f64,
    update_ms: f64,
}

/// Operations that are alike.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Row {
    op: String,
    groups: usize,
    forward: Cost,
    backward: Cost,
}

/// Of all of them, for a batch, in one direction.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Cost {
    ms: f64,
    gflop: f64,
    mb: f64,
}

/// The runs of one network.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Roofline(Vec<Run>);

impl Roofline {
    /// Runs the program that prints one so many times.
    ///
    /// # Errors
    /// Why it cannot, in a sentence.
    pub(super) fn measure(program: &Program, runs: usize) -> Result<Self, String> {
        let run = |_| {
            serde_json::from_value(program.json()?)
                .map_err(|error| format!("the profile is not what was due: {error}"))
        };
        Ok(Self((0..runs.max(1)).map(run).collect::<Result<_, _>>()?))
    }

    /// GFLOP of a batch, by the direct count.
    pub(super) fn gflop(&self) -> f64 {
        let rows = &self.0[0].rows;
        rows.iter()
            .map(|row| row.forward.gflop + row.backward.gflop)
            .sum()
    }

    /// A row for each kind of operation, forward and backward, and for what else a step does. With
    /// `only`, the operations whose name begins so, and nothing else.
    pub(super) fn table(&self, ceilings: &Ceilings, threads: usize, only: Option<&str>) -> String {
        let mut table = Table::new([
            "operation",
            "groups",
            "",
            "ms",
            "of step",
            "GFLOP/s",
            "of peak",
            "GB/s",
            "of memory",
        ]);
        let step = self.median(Run::total);
        let peak = ceilings.peak(threads);
        let bandwidth = ceilings.bandwidth(threads);
        for (index, row) in self.0[0].rows.iter().enumerate() {
            if only.is_some_and(|prefix| !row.op.starts_with(prefix)) {
                continue;
            }
            for (direction, pass) in ["forward", "backward"].into_iter().enumerate() {
                let Cost { gflop, mb, .. } = row.passes()[direction];
                let ms = self.median(|run| run.rows[index].passes()[direction].ms);
                let rate = |amount: f64| (amount > 0.0).then_some(amount / ms);
                let (flops, bytes) = (rate(1e3 * gflop), rate(mb));
                let share = |rate: Option<f64>, most: Option<f64>| {
                    or_dash(rate.zip(most).map(|(rate, most)| percent(rate / most)))
                };
                table.row(vec![
                    if direction == 0 {
                        row.op.clone()
                    } else {
                        String::new()
                    },
                    if direction == 0 {
                        row.groups.to_string()
                    } else {
                        String::new()
                    },
                    pass.to_owned(),
                    format!("{ms:.2}"),
                    percent(ms / step),
                    or_dash(flops.map(|rate| format!("{rate:.0}"))),
                    share(flops, peak),
                    or_dash(bytes.map(|rate| format!("{rate:.1}"))),
                    share(bytes, bandwidth),
                ]);
            }
        }
        if only.is_none() {
            self.rest(&mut table, step);
        }
        table.markdown()
    }

    /// What is not an operation of the network.
    fn rest(&self, table: &mut Table, step: f64) {
        for (what, ms) in [
            ("preparing the batch", self.median(|run| run.batch_ms)),
            ("loss", self.median(|run| run.loss_ms)),
            ("update", self.median(|run| run.update_ms)),
            ("all", step),
        ] {
            table.row(vec![
                what.to_owned(),
                String::new(),
                String::new(),
                format!("{ms:.2}"),
                format!("{:.1} %", 100.0 * ms / step),
            ]);
        }
    }

    fn median(&self, of: impl Fn(&Run) -> f64) -> f64 {
        Spread::of(self.0.iter().map(of)).map_or(f64::NAN, |spread| spread.median)
    }
}

impl Row {
    /// Forward and backward.
    fn passes(&self) -> [Cost; 2] {
        [self.forward, self.backward]
    }
}

impl Run {
    /// Milliseconds of a step.
    fn total(&self) -> f64 {
        let passes = self.rows.iter().map(|row| row.forward.ms + row.backward.ms);
        passes.sum::<f64>() + self.batch_ms + self.loss_ms + self.update_ms
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Of one run, whose first operation takes `ms` milliseconds forward.
    pub(in super::super) fn roofline(ms: f64) -> Roofline {
        Roofline(vec![run(ms)])
    }

    fn run(ms: f64) -> Run {
        let row = |op: &str, gflop| Row {
            op: op.to_owned(),
            groups: 5,
            forward: Cost {
                ms,
                gflop,
                mb: 20.0,
            },
            backward: Cost {
                ms: 2.0 * ms,
                gflop: 2.0 * gflop,
                mb: 10.0,
            },
        };
        Run {
            rows: vec![row("conv 3×3", 0.5), row("batch norm", 0.0)],
            batch_ms: 1.0,
            loss_ms: 0.5,
            update_ms: 0.5,
        }
    }

    /// 500 GFLOP/s and 40 GB/s on two threads.
    pub(in super::super) fn ceilings() -> Ceilings {
        let text = r#"[
            {"what": "multiply-adds", "threads": 2, "unit": "GFLOP/s", "samples": [500]},
            {"what": "copy in main memory", "threads": 2, "unit": "GB/s", "samples": [40]}
        ]"#;
        serde_json::from_str(text).unwrap()
    }

    fn cells(table: &str, row: usize) -> Vec<&str> {
        let line = table.lines().nth(row + 2).unwrap();
        line.trim_matches('|').split('|').map(str::trim).collect()
    }

    #[test]
    fn rates_are_of_the_median_run() {
        // Steps of 8, 14 and 602 ms.
        let roofline = Roofline(vec![run(2.0), run(1.0), run(100.0)]);
        assert_eq!(roofline.gflop(), 1.5);
        let table = roofline.table(&ceilings(), 2, None);
        let expected = [
            [
                "conv 3×3",
                "5",
                "forward",
                "2.00",
                "14 %",
                "250",
                "50 %",
                "10.0",
                "25 %",
            ],
            [
                "", "", "backward", "4.00", "29 %", "250", "50 %", "2.5", "6 %",
            ],
            [
                "batch norm",
                "5",
                "forward",
                "2.00",
                "14 %",
                "–",
                "–",
                "10.0",
                "25 %",
            ],
        ];
        for (index, expected) in expected.iter().enumerate() {
            assert_eq!(cells(&table, index), expected);
        }
        assert_eq!(
            cells(&table, 4)[..5],
            ["preparing the batch", "", "", "1.00", "7.1 %"]
        );
        assert_eq!(cells(&table, 7)[..5], ["all", "", "", "14.00", "100.0 %"]);
    }

    #[test]
    fn only_what_is_asked_for_is_shown() {
        let roofline = roofline(1.0);
        let table = roofline.table(&ceilings(), 2, Some("batch norm"));
        assert_eq!(table.lines().count(), 2 + 2);
        assert_eq!(cells(&table, 0)[0], "batch norm");
    }
}
