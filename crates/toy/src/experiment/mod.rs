//! What is simulated, as data: what a TOML file says, with its preset applied.

mod check;
mod error;
mod parse;

pub use error::{ExperimentError, Problem};

use claims::Claim;
use serde::{Deserialize, Serialize};

use crate::Logit;

/// Everything that `experiments/toy.toml` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Its folders are called after it.
    pub name: String,
    /// One sentence for people.
    pub title: String,
    /// `m`, of inputs and weights.
    pub dimension: usize,
    /// `η`, of every run that does not say otherwise.
    pub learning_rate: f64,
    /// Seeds are this one and those that follow it.
    pub first_seed: u64,
    /// How many; each runs everything.
    pub seeds: u64,
    /// The angle `ε` whose exceeding is watched, as the share `2ε²/(ηλ)`, below 1.
    pub threshold: f64,
    /// How long stationary states are watched.
    pub stationary: Stationary,
    /// Error against `√(ηλ)`, with both.
    #[serde(default, rename = "sweep")]
    pub sweeps: Vec<Sweep>,
    /// The same without noise.
    pub population: Option<PopulationSweep>,
    /// Error against batch size, for weight decay alone and for both.
    pub batches: Option<BatchSizes>,
    /// Error against time, for normalisation alone.
    pub norm_alone: Option<NormAlone>,
    /// How long until the error exceeds a threshold, against the theorem's bound.
    #[serde(default, rename = "nonconvergence")]
    pub nonconvergences: Vec<WaitingTimes>,
    /// What is claimed of all these, and decided by what they find.
    #[serde(default, rename = "claim")]
    pub claims: Vec<Claim>,
}

impl Experiment {
    /// The names of its runs, as in the names of series.
    #[must_use]
    pub fn runs(&self) -> Vec<String> {
        let sweeps = self.sweeps.iter().map(|sweep| sweep.name.clone());
        let population = self.population.iter().map(|sweep| sweep.name.clone());
        let batches = self.batches.iter().flat_map(|_| BatchSizes::RUNS);
        let alone = self.norm_alone.iter().flat_map(NormAlone::runs);
        let waiting = self.nonconvergences.iter();
        sweeps
            .chain(population)
            .chain(batches.map(str::to_owned))
            .chain(alone)
            .chain(waiting.map(|waiting| waiting.name.clone()))
            .collect()
    }
}

/// Lengths of time, in units of `1/(ηλ)` steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stationary {
    /// Left out at first.
    pub burn_in: f64,
    /// Measured after that.
    pub measured: f64,
}

/// Runs at one batch size and several intrinsic rates `ηλ`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Of its series.
    pub name: String,
    /// How logits are normalised.
    pub logit: Logit,
    /// `B`.
    pub batch_size: usize,
    /// `ηλ`, increasing.
    pub intrinsic_rates: Vec<f64>,
}

/// Runs without noise at several intrinsic rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationSweep {
    /// Of its series.
    pub name: String,
    /// `ηλ`, increasing.
    pub intrinsic_rates: Vec<f64>,
    /// How long, since bursts are rare.
    pub stationary: Stationary,
}

/// Runs at one rate and decay, and several batch sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchSizes {
    /// `λ`.
    pub weight_decay: f64,
    /// `B`, increasing.
    pub sizes: Vec<usize>,
}

impl BatchSizes {
    /// The names of its runs: weight decay alone, and both.
    pub const RUNS: [&str; 2] = ["decay-by-batch", "both-by-batch"];
}

/// Runs without weight decay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormAlone {
    /// `B`.
    pub batch_size: usize,
    /// `η`, one run each.
    pub learning_rates: Vec<f64>,
    /// Of each run.
    pub steps: u64,
}

impl NormAlone {
    /// The names of its runs, in the order of the rates.
    #[must_use]
    pub fn runs(&self) -> Vec<String> {
        let rates = self.learning_rates.iter();
        rates
            .map(|rate| format!("norm-alone-rate-{rate}"))
            .collect()
    }
}

/// Many runs from one start, each until its error exceeds the threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingTimes {
    /// Of its series.
    pub name: String,
    /// How logits are normalised.
    pub logit: Logit,
    /// `ηλ`.
    pub intrinsic_rate: f64,
    /// `B`, increasing.
    pub batch_sizes: Vec<usize>,
    /// Where they start.
    pub start: Start,
    /// The bound's `δ`.
    pub delta: f64,
    /// Runs for each seed.
    pub trials: u64,
}

/// Where the theorem's clock starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// After a run has come to its equilibrium.
    Equilibrium,
    /// On the axis, without error, at so many times the squared norm of the equilibrium.
    OnAxis(f64),
}
