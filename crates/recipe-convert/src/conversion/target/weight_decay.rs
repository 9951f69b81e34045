//! One weight decay in place of another.

use schedule_core::{ExactLaw, Recipe, Schedule};

use super::super::{Converted, Steps};

/// The exact law, keeping the weight decay of a schedule.
pub(super) fn steps<'a>(recipe: &'a Recipe, kept: &'a Schedule) -> Steps<'a> {
    let mut law = ExactLaw::new();
    Box::new((0..=u64::MAX).map(move |step| {
        let twin = law.step_keeping(recipe.at(step), kept.at(step))?;
        Ok(Converted::of_sgd(recipe, &twin))
    }))
}
