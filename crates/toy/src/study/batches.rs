//! Weight decay alone and both: the error against batch size.

use super::stationary::{Chain, off_axis};
use super::sweep::watch;
use super::{Job, Observation};
use crate::experiment::{BatchSizes, Experiment};
use crate::theory::{DecayAlone, Equilibrium};
use crate::{Logit, Samples, Sgd};

pub(super) fn jobs(experiment: &Experiment) -> Vec<Job<'_>> {
    let Some(batches) = &experiment.batches else {
        return Vec::new();
    };
    let [decay_run, both_run] = BatchSizes::RUNS;
    let theory = DecayAlone::new(batches.weight_decay);
    let of_size = |&size: &usize| -> [Job<'_>; 2] {
        [
            Job {
                run: decay_run.to_owned(),
                simulate: Box::new(move |seed| decay(experiment, batches, theory, size, seed)),
            },
            Job {
                run: both_run.to_owned(),
                simulate: Box::new(move |seed| both(experiment, batches, size, seed)),
            },
        ]
    };
    batches.sizes.iter().flat_map(of_size).collect()
}

fn decay(
    experiment: &Experiment,
    batches: &BatchSizes,
    theory: DecayAlone,
    size: usize,
    seed: u64,
) -> Vec<Observation> {
    let Experiment {
        dimension,
        learning_rate,
        stationary,
        ..
    } = *experiment;
    let predicted = theory.rms_angle(dimension, size as f64, learning_rate);
    let samples = Samples::new(seed);
    let weights = off_axis(samples, dimension, theory.norm(), predicted);
    let chain = Chain::Batches(Box::new(Sgd::new(Logit::Linear, samples, weights, size)));
    let rate = learning_rate * batches.weight_decay;
    let seen = watch(experiment, rate, stationary).run(chain);
    seen.error((size as f64).log10(), predicted)
}

fn both(experiment: &Experiment, batches: &BatchSizes, size: usize, seed: u64) -> Vec<Observation> {
    let Experiment {
        dimension,
        learning_rate,
        stationary,
        ..
    } = *experiment;
    let rate = learning_rate * batches.weight_decay;
    let (logit, samples) = (Logit::BatchNorm, Samples::new(seed));
    let chain = Chain::at_equilibrium(logit, samples, dimension, size, learning_rate, rate);
    let seen = watch(experiment, rate, stationary).run(chain);
    let theory = Equilibrium::new(logit, dimension, size as f64, rate);
    let norm_squared = theory.norm_squared(learning_rate);
    seen.both((size as f64).log10(), theory.rms_angle(), norm_squared)
}
