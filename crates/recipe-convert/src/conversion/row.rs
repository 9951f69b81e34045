//! A step of a recipe beside its twin's.

use schedule_core::{EquivalentStep, Hyperparameters, Recipe};

/// A step of the recipe beside its twin's: a line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// `t`, from 0.
    pub step: u64,
    /// Position of the group in [`RecipeFile::groups`](crate::RecipeFile::groups), if there are groups.
    pub group: Option<usize>,
    /// `η_t`, `λ_t` and `γ_t` of the recipe.
    pub recipe: Hyperparameters,
    /// `ln η̃_t` of the twin; −∞ where the rate is 0. For AdamW, that of a stock Adam: `ln η̂_t`.
    pub ln_lr_exp: f64,
    /// `λ̃_t` of the twin.
    pub weight_decay_exp: f64,
    /// `γ̃_t` of the twin.
    pub momentum_exp: f64,
    /// `ln A_t`: before the step, the twin's parameters are those of the recipe divided by `A_t`.
    pub ln_scale: f64,
    /// What AdamW has in place of a momentum.
    pub moments: Option<MomentsRow>,
}

/// AdamW's `β` and `ε`, and those of the *stock* Adam that is the twin:
/// [`StockAdamStep`](schedule_core::law::decoupled::StockAdamStep).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MomentsRow {
    /// `β₁` of the recipe.
    pub beta1: f64,
    /// `β₂` of the recipe.
    pub beta2: f64,
    /// `ε` of the recipe.
    pub epsilon: f64,
    /// `β̂₁` of the twin.
    pub beta1_exp: f64,
    /// `β̂₂` of the twin.
    pub beta2_exp: f64,
    /// `ε̂` of the twin.
    pub epsilon_exp: f64,
}

impl Row {
    /// A step of SGD with the rate outside the momentum buffer, of no group.
    pub(super) fn of_sgd(recipe: Hyperparameters, twin: &EquivalentStep) -> Self {
        Self {
            step: twin.step,
            group: None,
            recipe,
            ln_lr_exp: twin.ln_learning_rate,
            weight_decay_exp: twin.weight_decay,
            momentum_exp: twin.momentum,
            ln_scale: twin.ln_scale,
            moments: None,
        }
    }

    /// `η̃_t`; infinite where it leaves float64.
    #[must_use]
    pub fn lr_exp(&self) -> f64 {
        self.ln_lr_exp.exp()
    }
}

/// A row, with what else a summary asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Converted {
    pub(crate) row: Row,
    /// `a_t`.
    pub(crate) shrink: f64,
    /// `ln A_{t+1}`.
    pub(crate) ln_scale_after: f64,
    /// The step itself, if it is one of SGD with the rate outside the momentum buffer and
    /// without groups.
    pub(crate) equivalent: Option<EquivalentStep>,
}

impl Converted {
    /// A step of SGD with the rate outside the momentum buffer.
    pub(super) fn of_sgd(recipe: &Recipe, twin: &EquivalentStep) -> Self {
        Self {
            row: Row::of_sgd(recipe.at(twin.step), twin),
            shrink: twin.shrink,
            ln_scale_after: twin.ln_scale_after,
            equivalent: Some(*twin),
        }
    }
}
