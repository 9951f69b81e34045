//! AdamW, as a stock Adam.

use schedule_core::Recipe;
use schedule_core::law::decoupled::AdamWLaw;
use schedule_core::optimiser::AdamWHyperparameters;

use super::super::{MomentsRow, Steps};
use super::decoupled;
use crate::Moments;

/// The law of degree 0, in the hyperparameters of an Adam that has no others.
pub(in super::super) fn steps<'a>(recipe: &'a Recipe, moments: &'a Moments) -> Steps<'a> {
    let mut law = AdamWLaw::new();
    Box::new((0..=u64::MAX).map(move |step| {
        let with = recipe.at(step);
        let original = AdamWHyperparameters {
            learning_rate: with.learning_rate,
            weight_decay: with.weight_decay,
            beta1: moments.beta1.at(step),
            beta2: moments.beta2.at(step),
            epsilon: moments.epsilon.at(step),
        };
        let twin = law.step(original)?;
        let stock = twin.stock.hyperparameters();
        let mut converted = decoupled(recipe, &twin.decoupled);
        converted.row.ln_lr_exp = twin.stock.ln_learning_rate;
        converted.row.moments = Some(MomentsRow {
            beta1: original.beta1,
            beta2: original.beta2,
            epsilon: original.epsilon,
            beta1_exp: stock.beta1,
            beta2_exp: stock.beta2,
            epsilon_exp: stock.epsilon,
        });
        Ok(converted)
    }))
}
