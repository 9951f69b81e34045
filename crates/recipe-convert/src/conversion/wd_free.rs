//! The exact twin without weight decay.

use schedule_core::{EquivalentStep, ExactLaw, LawError, Recipe};

/// The exact law from the same momentum buffer.
pub(super) fn steps(recipe: &Recipe) -> impl Iterator<Item = Result<EquivalentStep, LawError>> {
    ExactLaw::new().steps(recipe)
}
