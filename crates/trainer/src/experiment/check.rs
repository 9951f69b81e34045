//! What types cannot say: ranges, and choices that must fit together.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use nn_engine::{Precision, Symmetry};
use nn_graph::{Graph, GraphError};
use scale_invariance::{Analysis, Verdict, analyse};
use schedule_core::renormalisation::{FloatFormat, Magnitudes, Renormaliser};
use schedule_core::{LawError, Recipe};

use super::parse::check_name;
use super::{Experiment, Problem, Transform};
use crate::plan::{PlanError, RunSchedule, magnitudes};

/// A mistake and the place where it was made.
pub(super) type Mistake = recipe_file::Mistake<Problem>;

/// What the checks work out and a run needs again.
pub(crate) struct Prepared {
    pub(crate) recipe: Recipe,
    pub(crate) graph: Graph,
    pub(crate) symmetry: Symmetry,
    pub(crate) format: FloatFormat,
    pub(crate) magnitudes: Magnitudes,
}

impl Prepared {
    /// What a run with this transform does, kept within the engine's numbers.
    pub(crate) fn schedule(&self, transform: Transform) -> Result<RunSchedule, LawError> {
        let schedule = RunSchedule::new(&self.recipe, transform)?;
        Ok(schedule.renormalised(Renormaliser::new(self.format, self.magnitudes)))
    }
}

/// Far above any experiment, and few enough to try the conversion of every step beforehand.
const MOST_STEPS: u64 = 10_000_000;

pub(super) fn check(experiment: &Experiment) -> Result<Prepared, Mistake> {
    let recipe = check_values(experiment)?;
    let (graph, symmetry) = check_network(experiment)?;
    let magnitudes = magnitudes(&graph, &symmetry).map_err(|error| {
        let run = experiment.run.first().map(|run| run.name.clone());
        let run = run.unwrap_or_default();
        Mistake::at_value("network", Problem::OutOfRange { run, error })
    })?;
    let prepared = Prepared {
        recipe,
        graph,
        symmetry,
        format: match experiment.training.precision {
            Precision::Float32 => FloatFormat::F32,
            Precision::Float64 => FloatFormat::F64,
        },
        magnitudes,
    };
    check_conversions(experiment, &prepared)?;
    Ok(prepared)
}

/// The checks that need no network and no conversion.
pub(super) fn check_values(experiment: &Experiment) -> Result<Recipe, Mistake> {
    check_name("name", &experiment.name).map_err(|problem| Mistake::at_value("name", problem))?;
    check_sizes(experiment)?;
    check_runs(experiment)?;
    experiment.checked_recipe()
}

fn out_of_range(key: &str, value: impl ToString, needs: impl Into<String>) -> Mistake {
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
    match experiment.original_run() {
        Some(_) => Ok(()),
        None => Err(Mistake::at_value("run", Problem::NoOriginal)),
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
    let converted = |run: &&super::RunSpec| run.transform != Transform::Original;
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
    for spec in &experiment.run {
        let refused = |error: PlanError| {
            let run = spec.name.clone();
            match error {
                PlanError::Law(error) => {
                    Mistake::at_value(key_of(&error), Problem::Law { run, error })
                }
                PlanError::Renormalisation(error) => {
                    Mistake::at_value("recipe", Problem::OutOfRange { run, error })
                }
            }
        };
        let schedule = prepared.schedule(spec.transform);
        let mut schedule = schedule.map_err(|error| refused(error.into()))?;
        for _ in 0..steps {
            schedule.next_step().map_err(refused)?;
        }
    }
    Ok(())
}

/// The key to change first for a recipe without a conversion.
fn key_of(error: &LawError) -> &'static str {
    match error {
        LawError::NotPiecewiseConstant { .. } => "run",
        LawError::NoConstantRate { .. } => "recipe.schedule",
        _ => "recipe.optimizer.weight_decay",
    }
}
