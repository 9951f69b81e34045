//! TEXP, the paper's closed form.

use schedule_core::{EquivalentStep, LawError, Recipe, Texp};

/// TEXP of a piecewise constant recipe.
pub(super) fn steps(
    recipe: &Recipe,
) -> Result<impl Iterator<Item = Result<EquivalentStep, LawError>> + use<>, LawError> {
    let texp = Texp::new(recipe)?;
    Ok((0..=u64::MAX).map(move |step| Ok(texp.at(step))))
}
