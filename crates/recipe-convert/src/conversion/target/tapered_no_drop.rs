//! TEXP−−, the paper's closed form without the drops.

use schedule_core::law::texp::Texp;
use schedule_core::{LawError, Recipe};

use super::super::{Converted, Steps};

/// TEXP of the recipe whose weight decay drops in place of its rate.
pub(super) fn steps(recipe: &Recipe) -> Result<Steps<'_>, LawError> {
    let texp = Texp::new(&recipe.with_constant_rate()?)?;
    let twin = move |step| Ok(Converted::of_sgd(recipe, &texp.at(step)));
    Ok(Box::new((0..=u64::MAX).map(twin)))
}
