//! What types cannot say: ranges, and choices that must fit together.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use nn_engine::{Optimiser, Precision, Symmetry};
use nn_graph::{Graph, GraphError};
use recipe_file::RecipeTables;
use scale_invariance::{Analysis, Verdict, analyse};
use schedule_core::LawError;
use schedule_core::renormalisation::{FloatFormat, Magnitudes, Renormaliser};

use super::parse::check_name;
use super::{Experiment, Problem, RunSpec, Transform};
use crate::plan::{NoTwin, PlanError, RunSchedule, magnitudes, optimiser};

/// A mistake and the place where it was made.
pub(super) type Mistake = recipe_file::Mistake<Problem>;

/// What the checks work out and a run needs again.
pub(crate) struct Prepared {
    /// Of each run.
    pub(crate) recipes: Vec<RecipeTables>,
    /// Of all runs, which share an engine.
    pub(crate) optimiser: Optimiser,
    pub(crate) graph: Graph,
    pub(crate) symmetry: Symmetry,
    pub(crate) format: FloatFormat,
    /// Of each run.
    pub(crate) magnitudes: Vec<Magnitudes>,
}

impl Prepared {
    /// What a run with this transform does, kept within the engine's numbers.
    pub(crate) fn schedule(&self, run: usize, transform: Transform) -> Result<RunSchedule, NoTwin> {
        let schedule = RunSchedule::new(&self.recipes[run], transform)?;
        Ok(match transform {
            // What may not be scaled cannot be rescaled with the rest.
            Transform::WdFreeEverywhere => schedule,
            _ => schedule.renormalised(Renormaliser::new(self.format, self.magnitudes[run])),
        })
    }
}

/// Far above any experiment, and few enough to try the conversion of every step beforehand.
const MOST_STEPS: u64 = 10_000_000;

pub(super) fn check(experiment: &Experiment) -> Result<Prepared, Mistake> {
    let recipes = check_values(experiment)?;
    let (graph, symmetry) = check_network(experiment)?;
    let of_run = |(run, recipe): (&RunSpec, &RecipeTables)| {
        magnitudes(&graph, &symmetry, recipe).map_err(|error| {
            let run = run.name.clone();
            Mistake::at_value("network", Problem::OutOfRange { run, error })
        })
    };
    let runs = experiment.run.iter().zip(&recipes);
    let magnitudes = runs.map(of_run).collect::<Result<_, _>>()?;
    let prepared = Prepared {
        optimiser: recipes.first().map(optimiser).unwrap_or_default(),
        recipes,
        graph,
        symmetry,
        format: match experiment.training.precision.numbers() {
            Precision::Float32 => FloatFormat::F32,
            Precision::Float64 => FloatFormat::F64,
        },
        magnitudes,
    };
    check_conversions(experiment, &prepared)?;
    Ok(prepared)
}

/// The checks that need no network and no conversion.
pub(super) fn check_values(experiment: &Experiment) -> Result<Vec<RecipeTables>, Mistake> {
    check_name("name", &experiment.name).map_err(|problem| Mistake::at_value("name", problem))?;
    check_sizes(experiment)?;
    check_runs(experiment)?;
    check_recipes(experiment)
}

/// The recipe of each run; also those that no run has are checked.
fn check_recipes(experiment: &Experiment) -> Result<Vec<RecipeTables>, Mistake> {
    let base = experiment.checked_recipe("recipe", &experiment.recipe)?;
    let mut named = HashMap::new();
    for (name, recipe) in &experiment.recipes {
        let path = format!("recipes.{name}");
        named.insert(name, experiment.checked_recipe(&path, recipe)?);
    }
    let of_run = |(index, run): (usize, &RunSpec)| match &run.recipe {
        None => Ok(base.clone()),
        Some(name) => named.get(name).cloned().ok_or_else(|| {
            let problem = experiment.unknown_recipe(name);
            Mistake::at_value(format!("run.{index}.recipe"), problem)
        }),
    };
    let recipes = experiment.run.iter().enumerate().map(of_run);
    let recipes: Vec<RecipeTables> = recipes.collect::<Result<_, _>>()?;
    check_one_optimizer(experiment, &recipes)?;
    Ok(recipes)
}

/// All runs are replicas of one engine, and so of one optimiser.
fn check_one_optimizer(experiment: &Experiment, recipes: &[RecipeTables]) -> Result<(), Mistake> {
    let (Some(first), Some(of_first)) = (experiment.run.first(), recipes.first()) else {
        return Ok(());
    };
    let mut runs = experiment.run.iter().zip(recipes).enumerate();
    match runs.find(|(_, (_, recipe))| recipe.optimizer != of_first.optimizer) {
        None => Ok(()),
        Some((index, (run, recipe))) => Err(Mistake::at_value(
            format!("run.{index}.recipe"),
            Problem::TwoOptimizers {
                run: run.name.clone(),
                optimizer: recipe.optimizer,
                first: first.name.clone(),
                of_first: of_first.optimizer,
            },
        )),
    }
}

/// Checks what is claimed of runs of these names.
pub(super) fn check_claims(experiment: &Experiment, runs: &[String]) -> Result<(), Mistake> {
    let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
    let known = |id: &str| experiment.claim.iter().any(|claim| claim.id == id);
    if let Some(id) = experiment.undecided.keys().find(|id| !known(id)) {
        let (key, problem) = (
            format!("undecided.{id}"),
            Problem::UnknownClaim { id: id.clone() },
        );
        return Err(Mistake::at_value(key, problem));
    }
    let mut ids = HashSet::new();
    for (index, claim) in experiment.claim.iter().enumerate() {
        if !ids.insert(&claim.id) {
            let id = claim.id.clone();
            let problem = Problem::DuplicateClaim { id };
            return Err(Mistake::at_value(format!("claim.{index}.id"), problem));
        }
        claim.check(&runs, &claims::QUANTITIES).map_err(|error| {
            let path = format!("claim.{index}.{}", error.key);
            Mistake::at_value(&path, Problem::Claim(error))
        })?;
    }
    Ok(())
}

pub(super) fn out_of_range(key: &str, value: impl ToString, needs: impl Into<String>) -> Mistake {
    let (value, needs) = (value.to_string(), needs.into());
    Mistake::at_value(
        key,
        Problem::Value {
            key: key.to_owned(),
            value,
            needs,
        },
    )
}

fn check_sizes(experiment: &Experiment) -> Result<(), Mistake> {
    let within = |key: &str, value: u64, range: RangeInclusive<u64>| {
        if range.contains(&value) {
            return Ok(());
        }
        Err(out_of_range(
            key,
            value,
            format!("between {} and {}", range.start(), range.end()),
        ))
    };
    let (data, training) = (&experiment.data, &experiment.training);
    within("data.train_images", data.train_images as u64, 1..=1 << 31)?;
    within("data.test_images", data.test_images as u64, 1..=1 << 31)?;
    // Beyond the image's size nothing of it is left.
    within(
        "data.crop_padding",
        data.crop_padding as u64,
        0..=super::IMAGE_SHAPE[1] as u64,
    )?;
    let batch_size = training.batch_size;
    within("training.batch_size", batch_size as u64, 1..=1 << 16)?;
    if batch_size > data.train_images {
        return Err(out_of_range(
            "training.batch_size",
            batch_size,
            format!(
                "at most `data.train_images`, which is {}; lower `training.batch_size` or raise `data.train_images`",
                data.train_images
            ),
        ));
    }
    within("training.epochs", training.epochs, 1..=MOST_STEPS)?;
    within("training.norms_every", training.norms_every, 1..=MOST_STEPS)?;
    let steps = experiment
        .timeline()
        .steps_per_epoch
        .saturating_mul(training.epochs);
    if steps > MOST_STEPS {
        return Err(out_of_range(
            "training.epochs",
            training.epochs,
            format!(
                "so few that there are at most {MOST_STEPS} steps in all; now there are {steps}"
            ),
        ));
    }
    Ok(())
}

fn check_runs(experiment: &Experiment) -> Result<(), Mistake> {
    let mut names = HashSet::new();
    for (index, run) in experiment.run.iter().enumerate() {
        let path = format!("run.{index}.name");
        check_name(&path, &run.name).map_err(|problem| Mistake::at_value(&path, problem))?;
        if !names.insert(&run.name) {
            return Err(Mistake::at_value(
                &path,
                Problem::DuplicateRun {
                    name: run.name.clone(),
                },
            ));
        }
    }
    if experiment.run.len() > 1 << 16 {
        return Err(out_of_range(
            "run",
            format!("a list of {}", experiment.run.len()),
            "at most 65536 runs",
        ));
    }
    match experiment.run.is_empty() {
        false => Ok(()),
        true => Err(Mistake::at_value("run", Problem::NoRun)),
    }
}

impl Experiment {
    /// The checks that [`Experiment::parse`] makes, for an experiment made or changed in code.
    ///
    /// # Errors
    /// The first [`Problem`] found.
    pub fn validate(&self) -> Result<(), Problem> {
        self.prepare().map(|_| ())
    }

    /// [`validate`](Self::validate), with what it worked out.
    pub(crate) fn prepare(&self) -> Result<Prepared, Problem> {
        check(self).map_err(|mistake| mistake.problem)
    }
}

fn check_network(experiment: &Experiment) -> Result<(Graph, Symmetry), Mistake> {
    let network = &experiment.network;
    if !(network.epsilon >= 0.0 && network.epsilon.is_finite()) {
        return Err(out_of_range(
            "network.epsilon",
            network.epsilon,
            "finite and not negative",
        ));
    }
    let graph = network.graph().map_err(|error| match error {
        GraphError::OutOfRange { what, value, needs } if what.contains("depth") => {
            out_of_range("network.depth", value, needs)
        }
        GraphError::OutOfRange { what, value, needs } if what.contains("width") => {
            out_of_range("network.width", value, needs)
        }
        other => Mistake::at_value("network", Problem::Network(other)),
    })?;
    let converted = |run: &&RunSpec| run.transform != Transform::Original;
    let Analysis {
        verdict, symmetry, ..
    } = analyse(&graph);
    match (verdict, experiment.run.iter().find(converted)) {
        (Verdict::NotInvariant(violation), Some(run)) => {
            let run = run.name.clone();
            Err(Mistake::at_value(
                "network",
                Problem::NotScaleInvariant { run, violation },
            ))
        }
        _ => Ok((graph, symmetry)),
    }
}

/// Tries every step of every conversion, so that none fails after hours of training.
fn check_conversions(experiment: &Experiment, prepared: &Prepared) -> Result<(), Mistake> {
    let steps = experiment.timeline().steps;
    for (index, spec) in experiment.run.iter().enumerate() {
        let refused = |error: PlanError| {
            let run = spec.name.clone();
            match error {
                PlanError::Law(error) => {
                    Mistake::at_value(key_of(&error, index, spec), Problem::Law { run, error })
                }
                PlanError::Renormalisation(error) => {
                    Mistake::at_value(recipe_of(spec), Problem::OutOfRange { run, error })
                }
            }
        };
        let schedule = prepared.schedule(index, spec.transform);
        let mut schedule = schedule.map_err(|error| refused(error.into()))?;
        for _ in 0..steps {
            schedule.next_step().map_err(refused)?;
        }
    }
    Ok(())
}

/// The path of a run's own recipe.
fn recipe_of(run: &RunSpec) -> String {
    match &run.recipe {
        None => "recipe".to_owned(),
        Some(name) => format!("recipes.{name}"),
    }
}

/// The key to change first for a run without a conversion.
fn key_of(error: &NoTwin, index: usize, run: &RunSpec) -> String {
    let recipe = recipe_of(run);
    match error {
        NoTwin::NeedsSgd { .. } => format!("run.{index}.transform"),
        NoTwin::Law(LawError::NotPiecewiseConstant { .. }) => "run".to_owned(),
        NoTwin::Law(LawError::NoConstantRate { .. }) => format!("{recipe}.schedule"),
        _ => format!("{recipe}.optimizer.weight_decay"),
    }
}
