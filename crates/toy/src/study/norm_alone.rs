//! Normalisation alone: the error against time.

use std::f64::consts::PI;

use super::{Job, Observation};
use crate::experiment::{Experiment, NormAlone};
use crate::theory;
use crate::{Logit, Samples, Sgd};

/// Points of a series for each factor of 10 in time.
const POINTS_A_DECADE: f64 = 4.0;

pub(super) fn jobs(experiment: &Experiment) -> Vec<Job<'_>> {
    let Some(alone) = &experiment.norm_alone else {
        return Vec::new();
    };
    let job = |(run, &rate): (String, &f64)| Job {
        run,
        simulate: Box::new(move |seed| simulate(experiment.dimension, alone, rate, seed)),
    };
    alone
        .runs()
        .into_iter()
        .zip(&alone.learning_rates)
        .map(job)
        .collect()
}

fn simulate(dimension: usize, alone: &NormAlone, rate: f64, seed: u64) -> Vec<Observation> {
    let (logit, size) = (Logit::BatchNorm, alone.batch_size);
    let samples = Samples::new(seed);
    let mut sgd = Sgd::new(logit, samples, samples.direction(dimension), size);
    let mut observations = Vec::new();
    let (mut squares, mut first, mut end) = (0.0, 0, 1.0);
    for step in 0..alone.steps {
        sgd.step(rate, 0.0);
        squares += sgd.direction().angle().powi(2);
        if step + 1 < f64::round(end) as u64 {
            continue;
        }
        // The steps from `first` to here, together.
        let count = (step + 1 - first) as f64;
        let middle = 0.5 * (first + step + 2) as f64;
        let measured = (squares / count).sqrt();
        let predicted = theory::norm_alone(logit, dimension, size as f64, rate, 1.0, middle);
        observations.extend(
            [
                ("log10-rms-error", (measured / PI).log10()),
                ("log10-predicted-rms-error", (predicted / PI).log10()),
                ("rms-over-predicted", measured / predicted),
            ]
            .map(|(quantity, y)| Observation {
                quantity,
                x: middle.log10(),
                y,
            }),
        );
        (squares, first) = (0.0, step + 1);
        while f64::round(end) as u64 <= step + 1 {
            end *= 10f64.powf(1.0 / POINTS_A_DECADE);
        }
    }
    observations
}
