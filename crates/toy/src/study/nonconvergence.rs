//! Both: how long until the error exceeds a threshold, against the theorem's bound.

use super::stationary::Chain;
use super::sweep::epsilon;
use super::{Job, Observation};
use crate::experiment::{Experiment, Start, WaitingTimes};
use crate::theory::{Equilibrium, Nonconvergence};
use crate::{Samples, Sgd};

/// How long runs go before the clock starts, to be in equilibrium, in units of `1/(ηλ)` steps.
const SETTLING: f64 = 1.0;

pub(super) fn jobs(experiment: &Experiment) -> Vec<Job<'_>> {
    let of_table = |waiting: &'_ WaitingTimes| -> Vec<Job<'_>> {
        let job = |&size: &usize| {
            let waiting = waiting.clone();
            Job {
                run: waiting.name.clone(),
                simulate: Box::new(move |seed| simulate(experiment, &waiting, size, seed)),
            }
        };
        waiting.batch_sizes.iter().map(job).collect()
    };
    experiment
        .nonconvergences
        .iter()
        .flat_map(of_table)
        .collect()
}

/// One trial: how many steps it took, no more counted than the bound, and the bound.
struct Waited {
    steps: f64,
    bound: f64,
}

fn simulate(
    experiment: &Experiment,
    waiting: &WaitingTimes,
    size: usize,
    seed: u64,
) -> Vec<Observation> {
    let mut waited: Vec<Waited> = (0..waiting.trials)
        .filter_map(|trial| wait(experiment, waiting, size, Samples::of_trial(seed, trial)))
        .collect();
    let count = waited.len() as f64;
    let late = waited
        .iter()
        .filter(|trial| trial.steps > trial.bound)
        .count();
    let ratios = waited.iter().map(|trial| trial.steps / trial.bound);
    let largest = ratios.fold(f64::NEG_INFINITY, f64::max);
    let bound = waited.iter().map(|trial| trial.bound).sum::<f64>() / count;
    waited.sort_by(|one, other| one.steps.total_cmp(&other.steps));
    // The time within which a share 1 − δ has exceeded the threshold.
    let index = ((1.0 - waiting.delta) * count).ceil() as usize;
    let Some(quantile) = waited.get(index.saturating_sub(1)) else {
        return Vec::new();
    };
    let x = (size as f64).log10();
    [
        ("late-share", late as f64 / count),
        ("log10-waiting", quantile.steps.log10()),
        ("log10-bound", bound.log10()),
        ("largest-waiting-over-bound", largest),
    ]
    .map(|(quantity, y)| Observation { quantity, x, y })
    .into()
}

/// A trial; `None` where the theorem has no bound.
fn wait(
    experiment: &Experiment,
    waiting: &WaitingTimes,
    size: usize,
    samples: Samples,
) -> Option<Waited> {
    let Experiment {
        dimension,
        learning_rate,
        ..
    } = *experiment;
    let (logit, rate) = (waiting.logit, waiting.intrinsic_rate);
    let weight_decay = rate / learning_rate;
    let mut chain = match waiting.start {
        Start::Equilibrium => {
            let mut chain =
                Chain::at_equilibrium(logit, samples, dimension, size, learning_rate, rate);
            for _ in 0..(SETTLING / rate) as u64 {
                chain.step(learning_rate, weight_decay);
            }
            chain
        }
        Start::OnAxis(times) => {
            let equilibrium = Equilibrium::new(logit, dimension, size as f64, rate);
            let mut weights = vec![0.0; dimension];
            *weights.first_mut()? = (times * equilibrium.norm_squared(learning_rate)).sqrt();
            Chain::Batches(Box::new(Sgd::new(logit, samples, weights, size)))
        }
    };
    let theorem = Nonconvergence {
        intrinsic_rate: rate,
        epsilon: epsilon(experiment, rate),
        dimension,
        batch_size: size as f64,
        delta: waiting.delta,
    };
    let bound = theorem.bound(learning_rate, chain.direction().norm_squared())?;
    let mut steps = 0.0;
    while steps <= bound {
        chain.step(learning_rate, weight_decay);
        steps += 1.0;
        if chain.direction().angle() > theorem.epsilon {
            break;
        }
    }
    Some(Waited { steps, bound })
}
