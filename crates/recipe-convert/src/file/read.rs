//! From the keys of a file to a checked recipe.

use std::ops::Range;

use schedule_core::{Hyperparameter, Recipe, RecipeError, Schedule};

use super::schedule::{Names, Schedules};
use super::section::{Entry, Mistake, Section};
use super::{Group, Moments, Optimizer, Places, Problem, ReadTable, group, optimizer};

/// Far above any training, and few enough for steps to be exact in every formula.
const MOST_STEPS: u64 = 1_000_000_000;

/// What the text says, with the places at which it does.
pub(super) struct Read {
    pub(super) steps_per_epoch: u64,
    pub(super) epochs: u64,
    pub(super) recipe: Recipe,
    pub(super) optimizer: Optimizer,
    pub(super) moments: Option<Moments>,
    pub(super) groups: Vec<Group>,
    pub(super) target_weight_decay: Option<Schedule>,
    pub(super) places: Places<Range<usize>>,
}

/// What a weight decay must be.
pub(super) const DECAY_NEEDS: &str = "a number of at least 0, or a table with a kind of schedule";

/// Reads the whole file.
pub(super) fn read<'r>(
    root: &Section<'_, '_>,
    read_table: &'r mut ReadTable<'r>,
) -> Result<Read, Mistake> {
    root.allow_only(&[
        "steps_per_epoch",
        "epochs",
        "optimizer",
        "schedule",
        "group",
        "target",
    ])?;
    let steps_per_epoch = root.whole("steps_per_epoch", 1, MOST_STEPS)?;
    let epochs = root.whole("epochs", 1, MOST_STEPS / steps_per_epoch)?;
    let mut schedules = Schedules {
        steps_per_epoch,
        epochs,
        read_table,
    };
    let optimizer = optimizer::read(root, &mut schedules)?;
    let section = root.section("schedule", "a table with a kind of schedule for the rate")?;
    let rate = schedules.table(&section, Names::LEARNING_RATE)?;

    let mut places = Places {
        learning_rate: section.span(),
        weight_decay: optimizer.weight_decay.1,
        momentum: optimizer.momentum.1,
        optimizer_kind: optimizer.kind_span,
        moments: None,
        groups: root.optional("group").map(|entry| entry.span()),
        target_weight_decay: None,
    };
    let moments = optimizer.moments.map(|(moments, spans)| {
        places.moments = Some(spans);
        moments
    });
    let (decay, momentum) = (optimizer.weight_decay.0, optimizer.momentum.0);
    let recipe = checked(rate, decay, momentum, &places)?;
    let groups = group::read(root, &mut schedules, &recipe)?;
    let target = target_weight_decay(root, &mut schedules)?;
    let target_weight_decay = target.map(|(entry, decay)| {
        places.target_weight_decay = Some(entry.span());
        checked_decay(&recipe, decay, &entry)
    });
    Ok(Read {
        steps_per_epoch,
        epochs,
        recipe,
        optimizer: optimizer.kind,
        moments,
        groups,
        target_weight_decay: target_weight_decay.transpose()?,
        places,
    })
}

/// What its keys are called.
pub(super) const DECAY_NAMES: Names = Names::of_column("weight_decay");

/// The recipe, if its values are in range; if not, the mistake at what is not.
fn checked(
    rate: Schedule,
    decay: Schedule,
    momentum: Schedule,
    places: &Places<Range<usize>>,
) -> Result<Recipe, Mistake> {
    Recipe::new(rate, decay, momentum).map_err(|error| {
        let place = match error {
            RecipeError::MomentumOutOfRange { .. } => &places.momentum,
            RecipeError::NegativeOrNotFinite {
                hyperparameter: Hyperparameter::WeightDecay,
                ..
            } => &places.weight_decay,
            _ => &places.learning_rate,
        };
        Mistake {
            span: Some(place.clone()),
            problem: Problem::Recipe(error),
        }
    })
}

/// A weight decay in place of the recipe's own, if it is in range.
pub(super) fn checked_decay(
    recipe: &Recipe,
    decay: Schedule,
    entry: &Entry<'_, '_>,
) -> Result<Schedule, Mistake> {
    let (rate, momentum) = (recipe.learning_rate().clone(), recipe.momentum().clone());
    let with = Recipe::new(rate, decay, momentum).map_err(|error| Mistake {
        span: Some(entry.span()),
        problem: Problem::Recipe(error),
    })?;
    Ok(with.weight_decay().clone())
}

/// The weight decay of the table `target`, if there is one.
fn target_weight_decay<'a, 'text>(
    root: &Section<'a, 'text>,
    schedules: &mut Schedules<'_>,
) -> Result<Option<(Entry<'a, 'text>, Schedule)>, Mistake> {
    if root.optional("target").is_none() {
        return Ok(None);
    }
    let target = root.section("target", "a table with weight_decay")?;
    target.allow_only(&["weight_decay"])?;
    let entry = target.required("weight_decay", DECAY_NEEDS)?;
    let decay = schedules.number_or_table(&entry, DECAY_NEEDS, DECAY_NAMES)?;
    Ok(Some((entry, decay)))
}
