//! The exact twin without weight decay.

use schedule_core::{ExactLaw, Recipe};

use super::super::{Converted, Steps};

/// The exact law from the same momentum buffer.
pub(super) fn steps(recipe: &Recipe) -> Steps<'_> {
    let steps = ExactLaw::new().steps(recipe);
    Box::new(steps.map(|twin| Ok(Converted::of_sgd(recipe, &twin?))))
}
