//! Run folders as training would leave them, without training: rates by the law, norms by their
//! relaxation to equilibrium, losses and accuracies by formulas that look like the real ones.

// Each test uses a part.
#![allow(dead_code)]

use std::fs;
use std::io;
use std::path::Path;

pub(crate) mod reproduction;

use run_records::{DataRecord, Manifest, NetworkRecord, Record, RunRecord, Sitting};

const DECAY: f64 = 0.01;
const MOMENTUM: f64 = 0.9;
const LAYERS: usize = 9;

/// A simulation.
#[derive(Clone, Debug)]
pub(crate) struct Simulation {
    pub(crate) epochs: u64,
    pub(crate) steps_per_epoch: u64,
    /// Steps between two records of norms.
    pub(crate) norms_every: u64,
    /// Epochs at which the rate falls to a tenth.
    pub(crate) drops: Vec<u64>,
    /// Rate at the start.
    pub(crate) rate: f64,
    /// What the noise depends on.
    pub(crate) seed: u64,
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            epochs: 30,
            steps_per_epoch: 40,
            norms_every: 10,
            drops: vec![12, 18],
            rate: 0.1,
            seed: 1,
        }
    }
}

/// A run's state: what the next step starts from.
struct State {
    ln_scale: f64,
    kappa: f64,
}

impl Simulation {
    /// The manifest of three runs: the recipe, its exact twin, TEXP.
    pub(crate) fn manifest(&self) -> Manifest {
        let run = |name: &str, label: &str, transform: &str, twin| RunRecord {
            name: name.to_owned(),
            label: label.to_owned(),
            transform: transform.to_owned(),
            optimiser: "sgd".to_owned(),
            twin,
        };
        Manifest {
            experiment: "figure-2".to_owned(),
            title: "Step decay with weight decay, and the same without".to_owned(),
            preset: Some("small".to_owned()),
            experiment_sha256: "4a".repeat(32),
            initial_seed: self.seed,
            batch_seed: 2,
            data: DataRecord {
                source: "No images: every number in this report is simulated, to show the report"
                    .to_owned(),
                train_images: 5_120,
                test_images: 2_000,
                sha256: "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
                    .to_owned(),
            },
            network: NetworkRecord {
                name: "PreResNet-8".to_owned(),
                trained_parameters: 75_024,
                multiply_adds: 12_500_000,
                layers: (0..LAYERS).map(|layer| format!("layer-{layer}")).collect(),
            },
            batch_size: 128,
            steps_per_epoch: self.steps_per_epoch,
            steps: self.epochs * self.steps_per_epoch,
            milestones: self
                .drops
                .iter()
                .map(|epoch| epoch * self.steps_per_epoch)
                .collect(),
            runs: vec![
                run("sd-wd", "step decay + weight decay", "original", None),
                run("exact", "exact twin, no weight decay", "wd-free", Some(0)),
                run("texp", "TEXP, no weight decay", "tapered", Some(0)),
            ],
        }
    }

    /// All of it in one go.
    pub(crate) fn sitting(&self) -> Sitting {
        Sitting {
            version: "0.1.0".to_owned(),
            commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
            command: "cargo xtask repro --preset small".to_owned(),
            started: "2024-01-01T12:00:00Z".to_owned(),
            device: "simulated, not trained; 2 threads".to_owned(),
            from_step: 0,
            to_step: self.epochs * self.steps_per_epoch,
            seconds: 372.4,
            diverged: false,
        }
    }

    /// All records, in the order in which training writes them.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        let mut state = State {
            ln_scale: 0.0,
            kappa: 0.0,
        };
        let mut norm_fourth = vec![60f64.powi(2); LAYERS];
        let mut progress = 0.0;
        for step in 0..self.epochs * self.steps_per_epoch {
            let rate = self.rate_at(step);
            let next = state.next(rate);
            // exact: η/(A_t A_{t+1}); TEXP starts a little higher.
            let ln_exact = rate.ln() - state.ln_scale - next.ln_scale;
            let ln_rates = [rate.ln(), ln_exact, ln_exact + 0.18];
            progress +=
                (1.0 - progress) * 0.4 * (0.02 + rate.min(0.1)) / self.steps_per_epoch as f64;
            for (run, ln_rate) in ln_rates.into_iter().enumerate() {
                records.push(Record::Step {
                    run,
                    step,
                    loss: self.loss(run, step, progress),
                    ln_rate,
                });
            }
            if step % self.norms_every == 0 {
                for (run, ln_rate) in ln_rates.into_iter().enumerate() {
                    let scale = if run == 0 { 0.0 } else { -state.ln_scale };
                    records.push(self.norms(run, step, &norm_fourth, scale, ln_rate));
                }
            }
            for (layer, fourth) in norm_fourth.iter_mut().enumerate() {
                let equilibrium = 800.0 * rate * (1.0 + layer as f64);
                *fourth += (equilibrium - *fourth) * 4.0 * rate * DECAY / (1.0 - MOMENTUM);
            }
            state = next;
            if (step + 1) % self.steps_per_epoch == 0 {
                records.extend((0..3).map(|run| self.epoch(run, step + 1, progress)));
                records.push(self.law(step + 1));
            }
        }
        records.push(Record::Finished {
            steps: self.epochs * self.steps_per_epoch,
        });
        records
    }

    /// Writes a whole run folder.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        write_folder(folder, &self.manifest(), &self.sitting(), &self.records())
    }

    fn rate_at(&self, step: u64) -> f64 {
        let epoch = step / self.steps_per_epoch;
        let drops = self.drops.iter().filter(|&&drop| drop <= epoch).count();
        self.rate * 0.1f64.powi(drops as i32)
    }

    fn loss(&self, run: usize, step: u64, progress: f64) -> f64 {
        let floor = 0.5 + 4.0 * self.rate_at(step).sqrt() * 0.4;
        let mean = floor + (2.3 - floor).max(0.0) * (1.0 - progress).powi(2);
        // The same batch gives the same noise; what differs grows until it is as large as noise.
        let apart = self.apart(run, step) * self.noise(step, run as u64);
        (mean * (1.0 + 0.13 * self.noise(step, 77)) + 0.6 * apart).abs()
    }

    /// How far the weights' direction is from the recipe's.
    fn apart(&self, run: usize, step: u64) -> f64 {
        let ln = match run {
            0 => return 0.0,
            1 => -30.0 + 0.08 * step as f64,
            _ => -13.0 + 0.06 * step as f64,
        };
        (-1.0 / (1.0 + ln.exp() * 20.0) + 1.0) * 0.3
    }

    fn norms(&self, run: usize, step: u64, fourth: &[f64], ln_scale: f64, ln_rate: f64) -> Record {
        let ln_norms = fourth.iter().map(|fourth| 0.25 * fourth.ln() + ln_scale);
        let distance = |layer: u64| self.apart(run, step) * (1.0 + 0.3 * self.noise(step, layer));
        Record::Norms {
            run,
            step,
            norms: ln_norms.clone().map(f64::exp).collect(),
            effective_rates: ln_norms
                .map(|ln_norm| (ln_rate - 2.0 * ln_norm).exp())
                .collect(),
            distances: if run == 0 {
                Vec::new()
            } else {
                (0..LAYERS as u64).map(distance).collect()
            },
        }
    }

    fn epoch(&self, run: usize, step: u64, progress: f64) -> Record {
        let rough = 0.7 * self.rate_at(step - 1).sqrt();
        let wobble = 0.06 * rough * self.noise(step, 5)
            + 0.05 * self.apart(run, step) * self.noise(step, run as u64);
        let accuracy = (0.1 + 0.62 * progress - 0.55 * rough * progress + wobble).clamp(0.0, 1.0);
        Record::Epoch {
            run,
            epoch: step / self.steps_per_epoch,
            step,
            train_loss: 2.4 * (1.0 - accuracy),
            train_accuracy: (accuracy * 1.04).min(1.0),
            test_loss: 2.5 * (1.0 - accuracy),
            test_accuracy: accuracy,
        }
    }
}

impl Simulation {
    /// The exact run's deviation from the law: the rounding of float32.
    fn law(&self, step: u64) -> Record {
        let rounding = |stream| 4e-7 * (1.0 + 0.3 * self.noise(step, stream));
        Record::Law {
            run: 1,
            step,
            parameters: rounding(9),
            buffers: rounding(10),
            statistics: rounding(11),
            loss: 0.1 * rounding(12),
        }
    }

    /// A number between −1 and 1 that depends on seed and both alone.
    fn noise(&self, step: u64, stream: u64) -> f64 {
        let mut bits = (self.seed << 40 ^ step << 8 | stream).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits ^= bits >> 29;
        bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits ^= bits >> 32;
        2.0 * (bits >> 11) as f64 / (1u64 << 53) as f64 - 1.0
    }
}

impl State {
    /// One step of the exact law: `d = λ + γκ`, `a = 1 − ηd`, `κ' = d/a`, `A' = aA`.
    fn next(&self, rate: f64) -> Self {
        let d = DECAY + MOMENTUM * self.kappa;
        let a = 1.0 - rate * d;
        Self {
            ln_scale: self.ln_scale + a.ln(),
            kappa: d / a,
        }
    }
}

/// Writes the files of a run folder.
pub(crate) fn write_folder(
    folder: &Path,
    manifest: &Manifest,
    sitting: &Sitting,
    records: &[Record],
) -> io::Result<()> {
    let mut lines = String::new();
    for record in records {
        lines.push_str(&serde_json::to_string(record)?);
        lines.push('\n');
    }
    fs::write(
        folder.join("experiment.toml"),
        "# simulated\n[recipe]\nlearning_rate = 0.1\n",
    )?;
    fs::write(
        folder.join("manifest.json"),
        serde_json::to_string_pretty(manifest)?,
    )?;
    fs::write(
        folder.join("sittings.json"),
        serde_json::to_string_pretty(&[sitting])?,
    )?;
    fs::write(folder.join("records.jsonl"), lines)
}
