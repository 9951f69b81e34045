//! The exact twin for an optimiser whose momentum buffer holds steps, not gradients.

use schedule_core::Recipe;
use schedule_core::law::form::{FormChange, InsideLaw, MomentumForm};

use super::super::{Converted, Row, Steps};

/// The recipe with the rate inside the buffer, then the law of that form.
pub(super) fn steps(recipe: &Recipe) -> Steps<'_> {
    let mut form = FormChange::to(MomentumForm::LrInside);
    let mut law = InsideLaw::new();
    Box::new((0..=u64::MAX).map(move |step| {
        let original = recipe.at(step);
        let twin = law.step(form.step(original)?)?;
        Ok(Converted {
            row: Row {
                step,
                group: None,
                recipe: original,
                ln_lr_exp: twin.ln_learning_rate,
                weight_decay_exp: 0.0,
                momentum_exp: twin.momentum,
                ln_scale: twin.ln_scale,
                moments: None,
            },
            shrink: twin.shrink,
            ln_scale_after: twin.ln_scale_after,
            equivalent: None,
        })
    }))
}
