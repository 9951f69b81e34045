//! All simulations of an experiment, and the series that they give.

mod batches;
mod findings;
mod nonconvergence;
mod norm_alone;
mod stationary;
mod sweep;

pub use findings::{Findings, SeedFindings};

use rayon::prelude::*;

use crate::experiment::Experiment;

/// The quantities that there are series of, as in the names of series; not each is of every run.
pub const QUANTITIES: [&str; 10] = [
    "log10-rms-error",
    "log10-predicted-rms-error",
    "rms-over-predicted",
    "mean-error-over-root",
    "longest-below",
    "norm-over-predicted",
    "late-share",
    "log10-waiting",
    "log10-bound",
    "largest-waiting-over-bound",
];

/// One number that a simulation gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observation {
    quantity: &'static str,
    x: f64,
    y: f64,
}

/// One simulation, to be done with several seeds.
struct Job<'a> {
    run: String,
    simulate: Box<dyn Fn(u64) -> Vec<Observation> + Sync + 'a>,
}

/// Runs everything that an experiment says, on the threads of the pool that this is called in.
///
/// Simulations are independent, and each is done by one thread: the result depends on the experiment alone, bit for bit.
///
/// | run | `x` | quantities |
/// | --- | --- | --- |
/// | a sweep's or the population's name | `log10 √(ηλ)` | stationary |
/// | `decay-by-batch`, `both-by-batch` | `log10 B` | stationary |
/// | `norm-alone-rate-<η>` | `log10` of the step | `log10-rms-error`, `rms-over-predicted`, `log10-predicted-rms-error` |
/// | a nonconvergence's name | `log10 B` | `late-share`, `log10-waiting`, `log10-bound`, `largest-waiting-over-bound` |
///
/// Stationary quantities, of the errors `θ_t/π` of one run:
///
/// | quantity | is |
/// | --- | --- |
/// | `log10-rms-error` | `log10` of their root mean square |
/// | `log10-predicted-rms-error` | the same, as theory says |
/// | `rms-over-predicted` | one over the other |
/// | `mean-error-over-root` | their mean over `√(ηλ)` |
/// | `longest-below` | the longest stretch of steps with `θ_t ≤ ε`, in units of `1/(ηλ)` steps; of both only |
/// | `norm-over-predicted` | the mean of `‖w‖²` over what theory says; of both only |
///
/// ```
/// # let text = r#"
/// # name = "mine"
/// # title = "Nothing yet"
/// # dimension = 10
/// # learning_rate = 0.1
/// # first_seed = 1
/// # seeds = 2
/// # threshold = 0.5
/// # stationary = { burn_in = 1, measured = 2 }
/// # sweep = [{ name = "both", logit = "batch-norm", batch_size = 8, intrinsic_rates = [0.01] }]
/// # "#;
/// let experiment = toy::experiment::Experiment::parse(text, "mine.toml", None)?;
/// let findings = toy::study::run(&experiment);
/// let ratio = &findings.seeds[0].series["both/rms-over-predicted"];
/// assert!((ratio.points[0].1 - 1.0).abs() < 0.3);
/// # Ok::<(), toy::experiment::ExperimentError>(())
/// ```
#[must_use]
pub fn run(experiment: &Experiment) -> Findings {
    let jobs: Vec<Job<'_>> = [
        sweep::jobs(experiment),
        batches::jobs(experiment),
        norm_alone::jobs(experiment),
        nonconvergence::jobs(experiment),
    ]
    .into_iter()
    .flatten()
    .collect();
    let seeds = experiment.first_seed..experiment.first_seed + experiment.seeds;
    let tasks: Vec<(u64, &Job<'_>)> = seeds
        .clone()
        .flat_map(|seed| jobs.iter().map(move |job| (seed, job)))
        .collect();
    // Their lengths differ a thousandfold, so none is given away before it is its turn.
    let done: Vec<Vec<Observation>> = tasks
        .par_iter()
        .with_max_len(1)
        .map(|(seed, job)| (job.simulate)(*seed))
        .collect();
    let mut findings = Findings::new(seeds);
    for ((seed, job), observations) in tasks.iter().zip(done) {
        findings.add(*seed, &job.run, observations);
    }
    findings
}
