//! Optimisers whose weight decay is decoupled.

mod adamw;
mod sgdw;

pub(super) use adamw::steps as adamw;
pub(super) use sgdw::steps as sgdw;

use schedule_core::Recipe;
use schedule_core::law::decoupled::DecoupledStep;

use super::{Converted, Row};

/// A step without weight decay, its memory's coefficients still to be filled in.
fn decoupled(recipe: &Recipe, twin: &DecoupledStep) -> Converted {
    Converted {
        row: Row {
            step: twin.step,
            group: None,
            recipe: recipe.at(twin.step),
            ln_lr_exp: twin.ln_learning_rate,
            weight_decay_exp: 0.0,
            momentum_exp: 0.0,
            ln_scale: twin.ln_scale,
            moments: None,
        },
        shrink: twin.shrink,
        ln_scale_after: twin.ln_scale_after,
        equivalent: None,
    }
}
