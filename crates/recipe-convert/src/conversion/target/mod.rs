//! What a recipe of SGD can be converted to.

mod sgd_lr_inside;
mod tapered;
mod tapered_no_drop;
mod wd_free;
mod weight_decay;

use std::fmt;

use super::{NoConversion, Steps};
use crate::RecipeFile;

/// What a recipe is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// The same trajectory without weight decay, exactly: [`ExactLaw`](schedule_core::ExactLaw).
    WdFree,
    /// The paper's TEXP, for piecewise constant recipes: [`Texp`](schedule_core::law::texp::Texp).
    Tapered,
    /// The paper's TEXP−−, which leaves out the drops of the rate: TEXP of the recipe
    /// [at constant rate](schedule_core::Recipe::with_constant_rate), which has other steps than the recipe.
    TaperedNoDrop,
    /// The same trajectory with the weight decay of the recipe's table `target`, exactly:
    /// [`ExactLaw::step_keeping`](schedule_core::ExactLaw::step_keeping).
    WeightDecay,
    /// The same trajectory without weight decay, exactly, for an optimiser with the rate inside its
    /// momentum buffer: [`InsideLaw`](schedule_core::law::form::InsideLaw).
    SgdLrInside,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::WdFree,
        Self::Tapered,
        Self::TaperedNoDrop,
        Self::WeightDecay,
        Self::SgdLrInside,
    ];

    /// The twin's steps from 0 on; an error, where there is one, comes last.
    pub(super) fn steps(self, file: &RecipeFile) -> Result<Steps<'_>, NoConversion> {
        let recipe = file.recipe();
        Ok(match self {
            Self::WdFree => wd_free::steps(recipe),
            Self::Tapered => tapered::steps(recipe)?,
            Self::TaperedNoDrop => tapered_no_drop::steps(recipe)?,
            Self::WeightDecay => {
                let kept = file.target_weight_decay();
                weight_decay::steps(recipe, kept.ok_or(NoConversion::NoTargetWeightDecay)?)
            }
            Self::SgdLrInside => sgd_lr_inside::steps(recipe),
        })
    }

    /// Whether the twin trains the recipe's own trajectory, without an approximation.
    #[must_use]
    pub fn is_exact(self) -> bool {
        !matches!(self, Self::Tapered | Self::TaperedNoDrop)
    }

    /// Whether the twin has a weight decay.
    #[must_use]
    pub fn keeps_weight_decay(self) -> bool {
        self == Self::WeightDecay
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WdFree => "exact twin without weight decay",
            Self::Tapered => "TEXP, the tapered exponential twin without weight decay",
            Self::TaperedNoDrop => {
                "TEXP--, tapered exponential without weight decay and without the drops of the rate"
            }
            Self::WeightDecay => "exact twin with another weight decay",
            Self::SgdLrInside => {
                "exact twin without weight decay, the rate inside the momentum buffer"
            }
        })
    }
}
