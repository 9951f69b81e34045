//! SGD with momentum and decoupled weight decay.

use schedule_core::Recipe;
use schedule_core::law::decoupled::DecoupledLaw;
use schedule_core::optimiser::MovingAverage;

use super::super::Steps;
use super::decoupled;

/// The law of degree 1: the momentum is multiplied by the shrink of the step before.
pub(in super::super) fn steps(recipe: &Recipe) -> Steps<'_> {
    let mut law = DecoupledLaw::sgdw();
    Box::new((0..=u64::MAX).map(move |step| {
        let with = recipe.at(step);
        let twin = law.step(with.learning_rate, with.weight_decay)?;
        let mut converted = decoupled(recipe, &twin);
        converted.row.momentum_exp = twin.memory(MovingAverage::of_momentum(with.momentum)).keep;
        Ok(converted)
    }))
}
