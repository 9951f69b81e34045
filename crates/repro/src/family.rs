//! Figures have runs in common, and most train one network on the same batches: each run once, all side by side.

use toml::{Table, Value};
use trainer::experiment::{Experiment, RunSpec};

use crate::{Figure, Part};

/// Runs of one network on the same batches, each of them once.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// All runs, as one experiment. It claims nothing.
    pub experiment: Experiment,
    /// Of each run, whether a figure compares it with its twin.
    compared: Vec<bool>,
}

/// What some figures need, and where in it the runs of each are.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In the order in which the figures first need them.
    pub families: Vec<Family>,
    /// Of each figure, its runs.
    pub members: Vec<Vec<Member>>,
}

/// A run of a figure, in a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its [name in claims](Figure::claimed_name).
    pub claimed: String,
    /// Index of the family.
    pub family: usize,
    /// Index of the run in the family.
    pub run: usize,
}

impl Plan {
    /// Finds what the figures have in common.
    ///
    /// Experiments belong together if their networks, images and trainings are equal, seeds and all, and their optimisers. A run that several of
    /// them have, by the same recipe, transform and start, whatever it is called, is there once.
    pub fn of(figures: &[Figure]) -> Self {
        let mut families: Vec<Family> = Vec::new();
        let mut members = Vec::new();
        for figure in figures {
            let mut of_figure = Vec::new();
            for part in &figure.parts {
                let mut known = families.iter();
                let known =
                    known.position(|family| same_base(&family.experiment, &part.experiment));
                let family = known.unwrap_or_else(|| {
                    families.push(Family::of(figure, part));
                    families.len() - 1
                });
                for (index, run) in part.experiment.run.iter().enumerate() {
                    let member = Member {
                        claimed: Figure::claimed_name(part, &run.name),
                        family,
                        run: families[family].join(figure, part, run),
                    };
                    families[family].compared[member.run] |= part.experiment.twin(index).is_some();
                    of_figure.push(member);
                }
            }
            members.push(of_figure);
        }
        Self { families, members }
    }
}

/// Whether runs of both may train side by side, and mean the same if they are the same.
pub(crate) fn same_base(a: &Experiment, b: &Experiment) -> bool {
    let same_training = a.data == b.data && a.training == b.training;
    a.network == b.network && same_training && optimizer_of(a) == optimizer_of(b)
}

/// The kind of optimiser that all runs of an experiment have.
fn optimizer_of(experiment: &Experiment) -> Option<&Value> {
    let recipe = recipe_of(experiment, experiment.run.first()?)?;
    recipe.get("optimizer")?.get("kind")
}

/// The recipe of a run, as tables.
pub(crate) fn recipe_of<'e>(experiment: &'e Experiment, run: &RunSpec) -> Option<&'e Table> {
    match &run.recipe {
        None => Some(&experiment.recipe),
        Some(name) => experiment.recipes.get(name),
    }
}

/// Whether two runs of experiments with the same base are one.
pub(crate) fn same_run(a: (&Experiment, &RunSpec), b: (&Experiment, &RunSpec)) -> bool {
    a.1.transform == b.1.transform
        && a.1.start == b.1.start
        && recipe_of(a.0, a.1) == recipe_of(b.0, b.1)
}

impl Family {
    /// A family without runs yet.
    fn of(figure: &Figure, part: &Part) -> Self {
        let variant = part.variant.as_ref();
        let name = variant.map_or(figure.id.clone(), |variant| {
            format!("{}-{variant}", figure.id)
        });
        Self {
            experiment: Experiment {
                name,
                title: "Runs of several figures".to_owned(),
                paper: None,
                recipes: Default::default(),
                run: Vec::new(),
                claim: Vec::new(),
                undecided: Default::default(),
                variants: Vec::new(),
                ..part.experiment.clone()
            },
            compared: Vec::new(),
        }
    }

    /// The index of a run of a figure, which is added if it is not there.
    fn join(&mut self, figure: &Figure, part: &Part, run: &RunSpec) -> usize {
        let mut known = self.experiment.run.iter();
        let same = |other: &RunSpec| same_run((&self.experiment, other), (&part.experiment, run));
        if let Some(known) = known.position(same) {
            return known;
        }
        let recipe = recipe_of(&part.experiment, run)
            .cloned()
            .unwrap_or_default();
        let recipe = self.recipe_called(&figure.id, recipe);
        let names = |name: &str| self.experiment.run.iter().any(|other| other.name == name);
        let name = unused(&run.name, &figure.id, names);
        self.experiment.run.push(RunSpec {
            name,
            recipe,
            ..run.clone()
        });
        self.compared.push(false);
        self.experiment.run.len() - 1
    }

    /// The name of a recipe, which it gets if it has none.
    fn recipe_called(&mut self, figure: &str, recipe: Table) -> Option<String> {
        if recipe == self.experiment.recipe {
            return None;
        }
        let mut known = self.experiment.recipes.iter();
        if let Some((name, _)) = known.find(|(_, other)| **other == recipe) {
            return Some(name.clone());
        }
        let names = |name: &str| self.experiment.recipes.contains_key(name);
        let name = unused(figure, figure, names);
        self.experiment.recipes.insert(name.clone(), recipe);
        Some(name)
    }

    /// The same runs from the `n`th seeds, counted from 0: of parameters and of batches.
    #[must_use]
    pub fn with_seed(&self, n: u64) -> Self {
        let mut experiment = self.experiment.clone();
        let training = &mut experiment.training;
        training.initial_seed = training.initial_seed.wrapping_add(n);
        training.batch_seed = training.batch_seed.wrapping_add(n);
        experiment.name = format!("{}-seed-{}", experiment.name, training.initial_seed);
        Self {
            experiment,
            compared: self.compared.clone(),
        }
    }

    /// The run that a run is compared with, if a figure does that.
    pub(crate) fn twin(&self, run: usize) -> Option<usize> {
        let compared = self.compared.get(run).copied().unwrap_or(false);
        self.experiment.twin(run).filter(|_| compared)
    }

    /// Some of the runs, and whatever they are compared with.
    #[must_use]
    pub fn only(&self, runs: &[usize]) -> Self {
        let twins = runs.iter().filter_map(|&run| self.twin(run));
        let mut wanted: Vec<usize> = runs.iter().copied().chain(twins).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let run = |index: usize| self.experiment.run.get(index).cloned();
        let mut experiment = self.experiment.clone();
        let compared = wanted.iter().map(|&run| self.compared[run]).collect();
        experiment.run = wanted.into_iter().filter_map(run).collect();
        let used = |name: &String| {
            experiment
                .run
                .iter()
                .any(|run| run.recipe.as_ref() == Some(name))
        };
        let recipes = self.experiment.recipes.clone();
        experiment.recipes = recipes.into_iter().filter(|(name, _)| used(name)).collect();
        Self {
            experiment,
            compared,
        }
    }
}

/// A name, or one of the figure's own if it is taken.
fn unused(name: &str, figure: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    let mut candidate = format!("{figure}.{name}");
    let mut number = 1;
    while taken(&candidate) {
        number += 1;
        candidate = format!("{figure}.{name}.{number}");
    }
    candidate
}
