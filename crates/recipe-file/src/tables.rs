//! The tables `optimizer` and `schedule`: what is trained by, with times in steps.

use schedule_core::{Hyperparameter, Recipe, RecipeError, Schedule};
use toml::de::DeTable;

use crate::clock::Clock;
use crate::optimizer::{self, DECAY_NEEDS};
use crate::schedule::{Names, ReadTable, Schedules};
use crate::section::Section;
use crate::{Mistake, Moments, Optimizer, Problem};

/// What the tables `optimizer` and `schedule` say, in a training of known length.
///
/// ```toml
/// [optimizer]
/// kind = "sgd"
/// momentum = 0.9
/// weight_decay = 5e-4
/// [schedule]
/// kind = "step"
/// lr = 0.1
/// factor = 0.1
/// epochs = [80, 120]
/// ```
///
/// The optimiser is PyTorch's `SGD(momentum, weight_decay)` without dampening: see [`Recipe`]. Of kind
/// `"sgdw"` it has the same keys and [decoupled](Optimizer::Sgdw) weight decay; of kind `"adamw"`, it is PyTorch's
/// `AdamW` with `beta1`, `beta2` and `eps` in place of `momentum`.
///
/// The schedule's other keys depend on its `kind`; times are in epochs, rounded to steps; a final or an
/// initial rate that is left out is 0:
///
/// | `kind` | keys |
/// | --- | --- |
/// | `"constant"` | `lr` |
/// | `"step"` | `lr`, `factor`, `epochs`: a list |
/// | `"cosine"` | `lr`, perhaps `final_lr`, `epochs` if not the whole training |
/// | `"warmup-cosine"` | `lr`, `warmup_epochs`, perhaps `initial_lr`, `final_lr` |
/// | `"wsd"` | `lr`, `warmup_epochs`, `decay_epochs`, perhaps `initial_lr`, `final_lr` |
/// | `"one-cycle"` | `lr` (the peak), `initial_lr`, `final_lr`, `warmup_epochs` (until the peak) |
/// | `"polynomial"` | `lr`, `power` (1: a straight line), perhaps `final_lr`, `epochs` if not the whole training |
/// | `"exponential"` | `lr`, `growth`, `per`: `"epoch"` or `"step"` |
/// | `"csv"` | `file`: CSV with the columns `step` (0, 1, 2, …) and `lr`; the last rate is held |
/// | `"joined"` | `parts`: a list of numbers and of tables like this one, `epochs`: a list of the times at which the second and later ones begin |
///
/// Each part of a joined schedule counts its own time, from its beginning to the next part's:
///
/// ```toml
/// [schedule]  # a warm-up, a step decay, and a last epoch at a given rate
/// kind = "joined"
/// epochs = [5, 199]
/// parts = [
///     { kind = "polynomial", power = 1, lr = 0.01, final_lr = 0.1 },
///     { kind = "step", lr = 0.1, factor = 0.1, epochs = [75, 115] },
///     1e-4,
/// ]
/// ```
///
/// `weight_decay`, `momentum`, `beta1`, `beta2` and `eps` may be such tables too, with `value`, `initial_value` and
/// `final_value` in place of `lr`, `initial_lr` and `final_lr`, and in CSV a column of their own name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecipeTables {
    /// The recipe in steps; without momentum where the optimiser has none.
    pub recipe: Recipe,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// What AdamW has in place of a momentum; `None` for another optimiser.
    pub moments: Option<Moments>,
}

impl From<Recipe> for RecipeTables {
    /// The recipe as one of SGD.
    fn from(recipe: Recipe) -> Self {
        Self {
            recipe,
            optimizer: Optimizer::Sgd,
            moments: None,
        }
    }
}

impl RecipeTables {
    /// Reads the two tables, which stand in `tables` and nothing else does; `path` is the path of `tables`,
    /// `read_table` gives the text of the CSV files that the recipe names.
    ///
    /// # Errors
    /// The first [`Mistake`].
    ///
    /// ```
    /// use recipe_file::RecipeTables;
    /// use toml::de::DeTable;
    ///
    /// let tables = DeTable::parse(r#"
    /// optimizer = { kind = "sgd", momentum = 0.9, weight_decay = 5e-4 }
    /// schedule = { kind = "step", lr = 0.1, factor = 0.5, epochs = [1] }
    /// "#)?;
    /// let mut no_files = |_: &str| Err(std::io::Error::other("no files here"));
    /// let mut read = |epochs| RecipeTables::read(tables.get_ref(), "recipe", 391, epochs, &mut no_files);
    /// assert_eq!(read(2).map(|tables| tables.recipe.at(391).learning_rate).ok(), Some(0.05));
    /// assert_eq!(
    ///     read(1).unwrap_err().problem.to_string(),
    ///     "`recipe.schedule.epochs.0` is 1; it must be a time in epochs after 0 and before the end at 1",
    /// );
    /// # Ok::<(), toml::de::Error>(())
    /// ```
    pub fn read(
        tables: &DeTable<'_>,
        path: &str,
        steps_per_epoch: u64,
        epochs: u64,
        read_table: &mut ReadTable<'_>,
    ) -> Result<Self, Mistake> {
        let root = Section::new(tables, path);
        root.allow_only(&["optimizer", "schedule"])?;
        let clock = Clock::new(steps_per_epoch, epochs);
        read(&root, &mut Schedules { clock, read_table })
    }
}

/// Reads the two tables, beside which there may be others.
pub(crate) fn read(
    root: &Section<'_, '_>,
    schedules: &mut Schedules<'_, '_>,
) -> Result<RecipeTables, Mistake> {
    let optimizer = optimizer::read(root, schedules)?;
    let section = root.section("schedule", "a table with a kind of schedule for the rate")?;
    let rate = schedules.table(&section, Names::LEARNING_RATE)?;
    let recipe = Recipe::new(rate, optimizer.weight_decay, optimizer.momentum);
    Ok(RecipeTables {
        recipe: recipe.map_err(|error| {
            let path = match error {
                RecipeError::MomentumOutOfRange { .. } => "optimizer.momentum",
                RecipeError::NegativeOrNotFinite {
                    hyperparameter: Hyperparameter::WeightDecay,
                    ..
                } => "optimizer.weight_decay",
                _ => "schedule",
            };
            Mistake::at_value(root.path_of(path), Problem::Recipe(error))
        })?,
        optimizer: optimizer.kind,
        moments: optimizer.moments,
    })
}

/// The key `weight_decay` of a table, in place of the recipe's own, if it is in range.
pub(crate) fn weight_decay(
    section: &Section<'_, '_>,
    schedules: &mut Schedules<'_, '_>,
    recipe: &Recipe,
) -> Result<Schedule, Mistake> {
    let key = "weight_decay";
    let entry = section.required(key, DECAY_NEEDS)?;
    let decay = schedules.number_or_table(&entry, DECAY_NEEDS, Names::of_column(key))?;
    let (rate, momentum) = (recipe.learning_rate().clone(), recipe.momentum().clone());
    let with = Recipe::new(rate, decay, momentum);
    let with = with.map_err(|error| Mistake::at_value(entry.path(), Problem::Recipe(error)))?;
    Ok(with.weight_decay().clone())
}
