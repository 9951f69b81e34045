//! TEXP, the paper's closed form.

use schedule_core::law::texp::Texp;
use schedule_core::{LawError, Recipe};

use super::super::{Converted, Steps};

/// TEXP of a piecewise constant recipe.
pub(super) fn steps(recipe: &Recipe) -> Result<Steps<'_>, LawError> {
    let texp = Texp::new(recipe)?;
    let twin = move |step| Ok(Converted::of_sgd(recipe, &texp.at(step)));
    Ok(Box::new((0..=u64::MAX).map(twin)))
}
