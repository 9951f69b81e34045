//! The tables `group`: parameter groups.

use std::collections::BTreeSet;

use schedule_core::{Hyperparameters, Recipe};

use crate::Mistake;
use crate::schedule::Schedules;
use crate::section::{Entry, Section};
use crate::tables::weight_decay;

/// A parameter group.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Group {
    /// Its name, letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What the rate of the recipe is multiplied by in this group.
    pub lr_scale: f64,
    /// `d_p`: the loss is invariant under `θ_p → c^{d_p}θ_p` of all groups at once; 0 for a group that is not
    /// scale-invariant.
    pub exponent: f64,
    /// The recipe with the group's decay, its rate not yet multiplied.
    pub recipe: Recipe,
}

impl Group {
    /// What the group is told at a step.
    #[must_use]
    pub fn at(&self, step: u64) -> Hyperparameters {
        self.scaled(self.recipe.at(step))
    }

    /// The same of hyperparameters of its recipe.
    #[must_use]
    pub fn scaled(&self, with: Hyperparameters) -> Hyperparameters {
        Hyperparameters {
            learning_rate: with.learning_rate * self.lr_scale,
            ..with
        }
    }
}

const NEEDS: &str = "a list of tables with a name";

/// Reads all groups; `recipe` is what they share.
pub(crate) fn read(
    root: &Section<'_, '_>,
    schedules: &mut Schedules<'_, '_>,
    recipe: &Recipe,
) -> Result<Vec<Group>, Mistake> {
    let Some(list) = root.optional("group") else {
        return Ok(Vec::new());
    };
    let entries = list.entries().ok_or_else(|| list.must_be(NEEDS))?;
    let mut names = BTreeSet::new();
    let mut group = |entry: Entry<'_, '_>| {
        let group = group(&entry, schedules, recipe)?;
        let needs = "a name that no group before it has";
        if !names.insert(group.name.clone()) {
            let section = entry.section().ok_or_else(|| entry.must_be(NEEDS))?;
            return Err(section.required("name", needs)?.must_be(needs));
        }
        Ok(group)
    };
    entries.into_iter().map(&mut group).collect()
}

fn group(
    entry: &Entry<'_, '_>,
    schedules: &mut Schedules<'_, '_>,
    recipe: &Recipe,
) -> Result<Group, Mistake> {
    let section = entry.section().ok_or_else(|| entry.must_be(NEEDS))?;
    section.allow_only(&["name", "weight_decay", "lr_scale", "exponent"])?;
    let needs = "a name of letters, digits, `-`, `_` and `.`";
    let name = section.required("name", needs)?;
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let text = name
        .text()
        .filter(|text| !text.is_empty() && text.chars().all(plain));
    let text = text.ok_or_else(|| name.must_be(needs))?;
    let decay = match section.optional("weight_decay") {
        None => recipe.weight_decay().clone(),
        Some(_) => weight_decay(&section, schedules, recipe)?,
    };
    let scale = |scale| scale > 0.0;
    let (rate, momentum) = (recipe.learning_rate().clone(), recipe.momentum().clone());
    Ok(Group {
        name: text.to_owned(),
        lr_scale: section.number_or("lr_scale", 1.0, "a number above 0", scale)?,
        exponent: section.number_or("exponent", 1.0, "a number", |_| true)?,
        recipe: Recipe::new(rate, decay, momentum).map_err(|_| entry.must_be(NEEDS))?,
    })
}
