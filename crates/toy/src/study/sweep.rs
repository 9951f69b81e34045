//! Both: the error against `√(ηλ)`, with batches and without noise.

use super::stationary::{Chain, Watch};
use super::{Job, Observation};
use crate::experiment::{Experiment, PopulationSweep, Stationary, Sweep};
use crate::theory::Equilibrium;
use crate::{Logit, Population, Samples};

pub(super) fn jobs(experiment: &Experiment) -> Vec<Job<'_>> {
    let of_sweep = |sweep: &'_ Sweep| -> Vec<Job<'_>> {
        let job = |&rate: &f64| {
            let sweep = sweep.clone();
            Job {
                run: sweep.name.clone(),
                simulate: Box::new(move |seed| with_batches(experiment, &sweep, rate, seed)),
            }
        };
        sweep.intrinsic_rates.iter().map(job).collect()
    };
    let mut jobs: Vec<Job<'_>> = experiment.sweeps.iter().flat_map(of_sweep).collect();
    if let Some(population) = &experiment.population {
        jobs.extend(population.intrinsic_rates.iter().map(|&rate| Job {
            run: population.name.clone(),
            simulate: Box::new(move |seed| without_noise(experiment, population, rate, seed)),
        }));
    }
    jobs
}

pub(super) fn watch(experiment: &Experiment, rate: f64, stationary: Stationary) -> Watch {
    Watch {
        learning_rate: experiment.learning_rate,
        weight_decay: rate / experiment.learning_rate,
        stationary,
        epsilon: epsilon(experiment, rate),
    }
}

/// `ε` with `2ε² = threshold · ηλ`.
pub(super) fn epsilon(experiment: &Experiment, intrinsic_rate: f64) -> f64 {
    (0.5 * experiment.threshold * intrinsic_rate).sqrt()
}

fn with_batches(experiment: &Experiment, sweep: &Sweep, rate: f64, seed: u64) -> Vec<Observation> {
    let Experiment {
        dimension,
        learning_rate,
        stationary,
        ..
    } = *experiment;
    let (logit, size) = (sweep.logit, sweep.batch_size);
    let samples = Samples::new(seed);
    let chain = Chain::at_equilibrium(logit, samples, dimension, size, learning_rate, rate);
    let seen = watch(experiment, rate, stationary).run(chain);
    let theory = Equilibrium::new(logit, dimension, size as f64, rate);
    let norm_squared = theory.norm_squared(learning_rate);
    seen.both(0.5 * rate.log10(), theory.rms_angle(), norm_squared)
}

fn without_noise(
    experiment: &Experiment,
    sweep: &PopulationSweep,
    rate: f64,
    seed: u64,
) -> Vec<Observation> {
    let learning_rate = experiment.learning_rate;
    let (angle, norm_squared) = Population::two_cycle(learning_rate, rate / learning_rate);
    // A tenth to nine tenths of the angle on the two-cycle: what is left of a seed where there is no noise.
    let share = 0.5 + 0.4 * Samples::new(seed).direction(2)[0];
    let (norm, start) = (norm_squared.sqrt(), share * angle);
    let chain = Chain::Population(Population::new(norm * start.cos(), norm * start.sin()));
    let seen = watch(experiment, rate, sweep.stationary).run(chain);
    let theory = Equilibrium::new(Logit::BatchNorm, experiment.dimension, f64::INFINITY, rate);
    let norm_squared = theory.norm_squared(learning_rate);
    seen.both(0.5 * rate.log10(), theory.rms_angle(), norm_squared)
}
