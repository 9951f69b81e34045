//! Whether the values of an experiment make sense.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::{Experiment, NormAlone, Problem, Start, Stationary, WaitingTimes};
use crate::Logit;
use crate::study::QUANTITIES;

type Mistake = recipe_file::Mistake<Problem>;

/// Beyond this the numbers of one batch do not fit in memory.
const MOST_NUMBERS: usize = 1 << 27;

/// Beyond this a run never ends.
const MOST_STEPS: f64 = 1e12;

pub(super) fn check(experiment: &Experiment) -> Result<(), Mistake> {
    let name = &experiment.name;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(allowed)
        && name.len() <= 100;
    require(
        good,
        "name",
        format!("{name:?}"),
        "a name of up to 100 letters, digits, `-`, `_` and `.`, starting with a letter or digit, because folders are \
         named after it",
    )?;
    let Experiment {
        dimension,
        learning_rate,
        threshold,
        ..
    } = *experiment;
    let range = "between 3 and 1000000";
    require(
        (3..=1_000_000).contains(&dimension),
        "dimension",
        dimension,
        range,
    )?;
    positive("learning_rate", learning_rate)?;
    require(experiment.seeds > 0, "seeds", 0, "at least 1")?;
    let last = experiment.first_seed.checked_add(experiment.seeds);
    let fits = last.is_some_and(|last| i64::try_from(last).is_ok());
    require(
        fits,
        "seeds",
        experiment.seeds,
        "so few that the last seed is below 2^63",
    )?;
    let open = threshold > 0.0 && threshold < 1.0;
    require(open, "threshold", threshold, "above 0 and below 1")?;
    stationary("stationary", experiment.stationary)?;
    runs(experiment)?;
    claims(experiment)
}

fn claims(experiment: &Experiment) -> Result<(), Mistake> {
    let runs = experiment.runs();
    let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
    let mut ids = BTreeSet::new();
    for (index, claim) in experiment.claims.iter().enumerate() {
        let known = format!("{:?}", claim.id);
        let key = format!("claim.{index}.id");
        require(
            ids.insert(&claim.id),
            &key,
            known,
            "an id that no other claim has",
        )?;
        claim.check(&runs, &QUANTITIES).map_err(|error| {
            let key = format!("claim.{index}.{}", error.key);
            Mistake::at_value(key, Problem::Claim(error))
        })?;
    }
    Ok(())
}

fn runs(experiment: &Experiment) -> Result<(), Mistake> {
    let mut names = BTreeSet::new();
    let mut name = |key: String, name: &str| {
        let good = !name.is_empty() && !name.contains('/') && names.insert(name.to_owned());
        require(
            good,
            &key,
            format!("{name:?}"),
            "a name without `/` that no other table has",
        )
    };
    for (index, sweep) in experiment.sweeps.iter().enumerate() {
        let key = |key| format!("sweep.{index}.{key}");
        name(key("name"), &sweep.name)?;
        normalised(&key("logit"), sweep.logit)?;
        batch_size(experiment, &key("batch_size"), sweep.batch_size)?;
        intrinsic_rates(&key("intrinsic_rates"), &sweep.intrinsic_rates)?;
    }
    if let Some(population) = &experiment.population {
        name("population.name".to_owned(), &population.name)?;
        intrinsic_rates("population.intrinsic_rates", &population.intrinsic_rates)?;
        stationary("population.stationary", population.stationary)?;
    }
    if let Some(batches) = &experiment.batches {
        positive("batches.weight_decay", batches.weight_decay)?;
        let rate = experiment.learning_rate * batches.weight_decay;
        let needs = "so small that learning_rate × weight_decay is between 1e-9 and 0.5";
        let good = (1e-9..=0.5).contains(&rate);
        require(good, "batches.weight_decay", batches.weight_decay, needs)?;
        batch_sizes(experiment, "batches.sizes", &batches.sizes)?;
    }
    if let Some(alone) = &experiment.norm_alone {
        norm_alone(experiment, alone)?;
    }
    for (index, waiting) in experiment.nonconvergences.iter().enumerate() {
        name(format!("nonconvergence.{index}.name"), &waiting.name)?;
        waiting_times(experiment, index, waiting)?;
    }
    Ok(())
}

fn norm_alone(experiment: &Experiment, alone: &NormAlone) -> Result<(), Mistake> {
    batch_size(experiment, "norm_alone.batch_size", alone.batch_size)?;
    for (index, rate) in alone.learning_rates.iter().enumerate() {
        positive(&format!("norm_alone.learning_rates.{index}"), *rate)?;
    }
    let good = alone.steps > 0 && (alone.steps as f64) <= MOST_STEPS;
    let needs = format!("between 1 and {MOST_STEPS:e}");
    require(good, "norm_alone.steps", alone.steps, &needs)
}

fn waiting_times(
    experiment: &Experiment,
    index: usize,
    waiting: &WaitingTimes,
) -> Result<(), Mistake> {
    let key = |key| format!("nonconvergence.{index}.{key}");
    normalised(&key("logit"), waiting.logit)?;
    intrinsic_rates(&key("intrinsic_rate"), &[waiting.intrinsic_rate])?;
    batch_sizes(experiment, &key("batch_sizes"), &waiting.batch_sizes)?;
    if let Start::OnAxis(times) = waiting.start {
        positive(&key("start"), times)?;
    }
    let delta = waiting.delta;
    let good = delta > 0.0 && delta < 1.0;
    require(good, &key("delta"), delta, "above 0 and below 1")?;
    require(waiting.trials > 0, &key("trials"), 0, "at least 1")
}

fn normalised(key: &str, logit: Logit) -> Result<(), Mistake> {
    let needs =
        "\"batch-norm\" or \"unit-norm\", because the equilibrium is one of normalised logits";
    require(logit != Logit::Linear, key, "\"linear\"", needs)
}

fn stationary(key: &str, lengths: Stationary) -> Result<(), Mistake> {
    let Stationary { burn_in, measured } = lengths;
    let good = (0.0..=1e6).contains(&burn_in);
    require(
        good,
        &format!("{key}.burn_in"),
        burn_in,
        "between 0 and 1e6",
    )?;
    let good = (0.01..=1e6).contains(&measured);
    require(
        good,
        &format!("{key}.measured"),
        measured,
        "between 0.01 and 1e6",
    )
}

fn intrinsic_rates(key: &str, rates: &[f64]) -> Result<(), Mistake> {
    let good = rates.iter().all(|rate| (1e-9..=0.5).contains(rate));
    require(good, key, format!("{rates:?}"), "between 1e-9 and 0.5")?;
    increasing(key, rates)
}

fn batch_sizes(experiment: &Experiment, key: &str, sizes: &[usize]) -> Result<(), Mistake> {
    for (index, size) in sizes.iter().enumerate() {
        batch_size(experiment, &format!("{key}.{index}"), *size)?;
    }
    increasing(key, sizes)
}

fn batch_size(experiment: &Experiment, key: &str, size: usize) -> Result<(), Mistake> {
    let most = MOST_NUMBERS / experiment.dimension;
    let needs = format!(
        "between 3, since batch normalisation makes of two samples always the same, and {most}, for the dimension"
    );
    require((3..=most).contains(&size), key, size, &needs)
}

fn increasing<T: PartialOrd + std::fmt::Debug>(key: &str, values: &[T]) -> Result<(), Mistake> {
    let good = values.windows(2).all(|pair| pair[0] < pair[1]);
    require(good, key, format!("{values:?}"), "increasing")
}

fn positive(key: &str, value: f64) -> Result<(), Mistake> {
    let good = (1e-100..=1e100).contains(&value);
    require(good, key, value, "between 1e-100 and 1e100")
}

fn require(holds: bool, key: &str, value: impl Display, needs: &str) -> Result<(), Mistake> {
    if holds {
        return Ok(());
    }
    Err(Mistake::at_value(
        key,
        Problem::Value {
            key: key.to_owned(),
            value: value.to_string(),
            needs: needs.to_owned(),
        },
    ))
}
