//! The recipe of an experiment: the tables of a recipe's file, within the experiment's own length.

use std::io;

use recipe_file::{Moments, RecipeTables};
use schedule_core::Schedule;
use toml::Table;
use toml::de::DeTable;

use super::check::{Mistake, out_of_range};
use super::{Experiment, Problem};
use crate::plan::Timeline;

/// What a recipe has in a file of its own, and where it is in an experiment.
const ELSEWHERE: [(&str, &str); 4] = [
    (
        "steps_per_epoch",
        "it follows from `data.train_images` and `training.batch_size`; leave it out",
    ),
    (
        "epochs",
        "the length of the training is `training.epochs`; leave it out",
    ),
    (
        "group",
        "all weights are trained by one recipe; `texp convert` converts parameter groups",
    ),
    (
        "target",
        "no run has a weight decay of its own; `texp convert --to weight-decay` converts to another one",
    ),
];

fn not_here(key: String, reason: &'static str) -> Mistake {
    Mistake::at_value(key.clone(), Problem::NotInExperiments { key, reason })
}

impl Experiment {
    /// A recipe in steps, with its optimiser: one of [`recipes`](Self::recipes), or [`recipe`](Self#structfield.recipe).
    ///
    /// # Errors
    /// The [`Problem`] of a schedule or value, or of a name that there is not; none for the recipes of an experiment that was
    /// read from TOML.
    pub fn recipe(&self, name: Option<&str>) -> Result<RecipeTables, Problem> {
        let mistake = |mistake: Mistake| mistake.problem;
        let Some(name) = name else {
            return self.checked_recipe("recipe", &self.recipe).map_err(mistake);
        };
        let Some(recipe) = self.recipes.get(name) else {
            return Err(self.unknown_recipe(name));
        };
        self.checked_recipe(&format!("recipes.{name}"), recipe)
            .map_err(mistake)
    }

    /// A recipe that there is not.
    pub(super) fn unknown_recipe(&self, name: &str) -> Problem {
        Problem::UnknownRecipe {
            recipe: name.to_owned(),
            known: self.recipes.keys().cloned().collect(),
        }
    }

    /// A recipe in steps, with the place of a mistake.
    pub(super) fn checked_recipe(
        &self,
        path: &str,
        recipe: &Table,
    ) -> Result<RecipeTables, Mistake> {
        for (key, reason) in ELSEWHERE {
            if recipe.contains_key(key) {
                return Err(not_here(format!("{path}.{key}"), reason));
            }
        }
        let broken = |message| Mistake::at_value(path, Problem::Toml { message });
        let text = toml::to_string(recipe).map_err(|error| broken(error.to_string()))?;
        let tables = DeTable::parse(&text).map_err(|error| broken(error.message().to_owned()))?;
        let Timeline {
            steps_per_epoch,
            epochs,
            ..
        } = self.timeline();
        let mut no_files = |_: &str| Err(io::ErrorKind::Unsupported.into());
        let read = RecipeTables::read(
            tables.get_ref(),
            path,
            steps_per_epoch,
            epochs,
            &mut no_files,
        );
        let read = read.map_err(|mistake| match mistake.problem {
            recipe_file::Problem::UnreadableTable { key, .. } => not_here(
                key,
                "a run folder must hold all that was run; `texp convert` reads schedules from CSV",
            ),
            problem => Mistake {
                place: mistake.place,
                problem: Problem::Recipe(problem),
            },
        })?;
        if let Some(moments) = &read.moments {
            check_moments(path, moments)?;
        }
        Ok(read)
    }
}

/// That the engines can train with these at every step.
fn check_moments(path: &str, moments: &Moments) -> Result<(), Mistake> {
    let check = |key: &str, schedule: &Schedule, end: f64, needs: &'static str| {
        let extremes = schedule.extremes(0, u64::MAX);
        for (step, value) in [extremes.smallest, extremes.largest] {
            if !(0.0..end).contains(&value) {
                let value = format!("{value} at step {step}");
                return Err(out_of_range(
                    &format!("{path}.optimizer.{key}"),
                    value,
                    needs,
                ));
            }
        }
        Ok(())
    };
    let below_one = "at least 0 and below 1";
    check("beta1", &moments.beta1, 1.0, below_one)?;
    check("beta2", &moments.beta2, 1.0, below_one)?;
    let finite = "at least 0 and finite";
    check("eps", &moments.epsilon, f64::INFINITY, finite)
}
